{{/*
Names and labels. Everything of a release begins with its fullname: `matchfleet` for the release of
that name, RELEASE-matchfleet for any other.
*/}}
{{- define "matchfleet.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change, by which a Deployment knows its pods. Takes (dict "root" "component"). */}}
{{- define "matchfleet.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of pods: without versions, so that a new chart alone restarts nothing. */}}
{{- define "matchfleet.podLabels" -}}
{{ include "matchfleet.selector" . }}
app.kubernetes.io/part-of: matchfleet
{{- end -}}

{{- define "matchfleet.labels" -}}
{{ include "matchfleet.podLabels" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* An image by (dict "root" "image" {repository, tag}). */}}
{{- define "matchfleet.image" -}}
{{- $tag := .image.tag | default .root.Values.image.tag | default .root.Chart.AppVersion -}}
{{- with .root.Values.global.imageRegistry -}}{{ . | trimSuffix "/" }}/{{- end -}}
{{ .image.repository }}:{{ $tag }}
{{- end -}}

{{/* The Secret that holds a datastore's address, by (dict "root" "store"): ours, made by the keys
hook, or the user's own. */}}
{{- define "matchfleet.storeSecret" -}}
{{- $values := index .root.Values .store -}}
{{- if eq $values.mode "external" -}}
{{- required (printf "%s.mode is external: set %s.existingSecret to the name of a Secret whose key `%s` is the server's address" .store .store (ternary "dsn" "url" (eq .store "postgres"))) $values.existingSecret -}}
{{- else -}}
{{ include "matchfleet.fullname" .root }}-{{ .store }}
{{- end -}}
{{- end -}}

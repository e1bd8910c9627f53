{{/*
A one-shot process as a Job. By (dict "root" "component" "name" "command" "stores" "resources"
"serviceAccount" "annotations" "deadline" seconds "tries" retries). A Job cannot be changed: with
"versioned" its name ends in a hash of what it runs, so that a change makes another one.
*/}}
{{- define "matchfleet.job" -}}
{{- $spec := include "matchfleet.jobSpec" . -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}{{ if .versioned }}-{{ $spec | sha256sum | trunc 10 }}{{ end }}
  labels: {{- include "matchfleet.labels" (dict "root" .root "component" .component) | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec: {{- $spec | nindent 2 }}
{{- end -}}

{{- define "matchfleet.jobSpec" -}}
backoffLimit: {{ .tries }}
activeDeadlineSeconds: {{ .deadline }}
template:
  metadata:
    labels: {{- include "matchfleet.podLabels" (dict "root" .root "component" .component) | nindent 6 }}
  spec:
    {{- include "matchfleet.podCommon" (dict "root" .root "token" (ternary true false (not (empty .serviceAccount)))) | nindent 4 }}
    {{- with .serviceAccount }}
    serviceAccountName: {{ . }}
    {{- end }}
    restartPolicy: Never
    containers:
    - name: {{ .component }}
      image: {{ include "matchfleet.image" (dict "root" .root "image" .root.Values.image) }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: {{ concat (list "python" "-m") .command | toJson }}
      env: {{- include "matchfleet.environment" (dict "root" .root "stores" .stores "files" list "env" dict) | nindent 6 }}
      resources: {{- toYaml .resources | nindent 8 }}
      securityContext: {{- include "matchfleet.containerSecurity" . | nindent 8 }}
      volumeMounts:
      - {name: tmp, mountPath: /tmp}
    volumes:
    - {name: tmp, emptyDir: {}}
{{- end -}}

{{/*
What all our pods have in common: nobody is root, nothing is writable but /tmp, nothing may gain
rights, and a token of the cluster is there only where `token` says so. Service links stay off: for
a Service called matchfleet-api they would set variables that begin with MATCHFLEET_.
*/}}
{{- define "matchfleet.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "matchfleet.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* By (dict "root" "token" bool). */}}
{{- define "matchfleet.podCommon" -}}
automountServiceAccountToken: {{ .token }}
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
securityContext: {{- include "matchfleet.podSecurity" . | nindent 2 }}
{{- with .root.Values.platform.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.platform.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Environment of a platform process, by (dict "root" "stores" [..] "files" [..] "env" {..}). */}}
{{- define "matchfleet.environment" -}}
# The images know no name for this account, and Python's getuser() must find one somewhere.
- {name: USER, value: matchfleet}
- name: MATCHFLEET_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: MATCHFLEET_LOG_LEVEL, value: {{ .root.Values.log.level | quote }}}
- {name: MATCHFLEET_LOG_FORMAT, value: {{ .root.Values.log.format | quote }}}
{{- $variables := dict "postgres" "MATCHFLEET_POSTGRES_DSN" "redis" "MATCHFLEET_REDIS_URL" "rabbitmq" "MATCHFLEET_RABBITMQ_URL" }}
{{- range $store := .stores }}
- name: {{ index $variables $store }}
  valueFrom:
    secretKeyRef:
      name: {{ include "matchfleet.storeSecret" (dict "root" $.root "store" $store) }}
      key: {{ ternary "dsn" "url" (eq $store "postgres") }}
{{- end }}
{{- $files := dict
  "api-keys" (dict "MATCHFLEET_API_SIGNING_KEYS" "signing.json")
  "operator-keys" (dict "MATCHFLEET_OPERATOR_SIGNING_KEYS" "signing.json")
  "admin" (dict "MATCHFLEET_ADMIN_TOKEN_FILE" "token")
  "queues" (dict "MATCHFLEET_QUEUES_FILE" "queues.json")
  "public-keys" (dict "MATCHFLEET_API_PUBLIC_KEYS" "api.json")
}}
{{- range $file := .files }}
{{- range $variable, $name := index $files $file }}
- {name: {{ $variable }}, value: /etc/matchfleet/{{ $file }}/{{ $name }}}
{{- end }}
{{- end }}
{{- range $variable, $value := .env }}
- {name: {{ $variable }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- define "matchfleet.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range .files }}
- {name: {{ . }}, mountPath: /etc/matchfleet/{{ . }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "matchfleet.volumes" -}}
- {name: tmp, emptyDir: {}}
{{- $fullname := include "matchfleet.fullname" .root }}
{{- range .files }}
- name: {{ . }}
{{- if has . (list "queues" "public-keys") }}
  configMap: {name: {{ $fullname }}-{{ . }}}
{{- else }}
  secret: {secretName: {{ $fullname }}-{{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}
{{- end -}}

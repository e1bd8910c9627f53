{{/*
A datastore for development: one pod, no replica, no backup. By (dict "root" "store" "port" "env"
"passwords" [variables] "arguments" "ready" {probe}). Beside the server's own settings its pod has
those of the server's command line client, so that `kubectl exec ... -- psql` just works.
*/}}
{{- define "matchfleet.datastore" -}}
{{- $values := index .root.Values .store -}}
{{- if eq $values.mode "dev" -}}
{{- $fullname := include "matchfleet.fullname" .root -}}
{{- $labels := dict "root" .root "component" .store -}}
{{- $claimed := not (kindIs "invalid" $values.persistence.storageClassName) -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $fullname }}-{{ .store }}
  labels: {{- include "matchfleet.labels" $labels | nindent 4 }}
    matchfleet.dev/not-for-production: "true"
spec:
  selector: {{- include "matchfleet.selector" $labels | nindent 4 }}
  ports:
  - {name: {{ .store }}, port: {{ .port }}, targetPort: {{ .store }}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $fullname }}-{{ .store }}
  labels: {{- include "matchfleet.labels" $labels | nindent 4 }}
    matchfleet.dev/not-for-production: "true"
spec:
  replicas: 1
  serviceName: {{ $fullname }}-{{ .store }}
  selector:
    matchLabels: {{- include "matchfleet.selector" $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- include "matchfleet.podLabels" $labels | nindent 8 }}
        matchfleet.dev/not-for-production: "true"
    spec:
      {{- include "matchfleet.podCommon" (dict "root" .root "token" false) | nindent 6 }}
      terminationGracePeriodSeconds: 30
      containers:
      - name: {{ .store }}
        image: {{ include "matchfleet.image" (dict "root" .root "image" $values.image) }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        {{- with .arguments }}
        args: {{ toJson . }}
        {{- end }}
        env:
        {{- range $name, $value := .env }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
        {{- range .passwords }}
        - name: {{ . }}
          valueFrom: {secretKeyRef: {name: {{ $fullname }}-{{ $.store }}, key: password}}
        {{- end }}
        ports:
        - {name: {{ .store }}, containerPort: {{ .port }}}
        startupProbe:
          {{- toYaml .ready | nindent 10 }}
          periodSeconds: 1
          timeoutSeconds: 5
          failureThreshold: 120
        readinessProbe:
          {{- toYaml .ready | nindent 10 }}
          periodSeconds: 10
          timeoutSeconds: 5
        resources: {{- toYaml $values.resources | nindent 10 }}
        securityContext: {{- include "matchfleet.containerSecurity" . | nindent 10 }}
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: tmp, emptyDir: {}}
      {{- if not $claimed }}
      - {name: data, emptyDir: {}}
      {{- end }}
  {{- if $claimed }}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: {{ $values.persistence.storageClassName | quote }}
      resources: {requests: {storage: {{ $values.persistence.size }}}}
  {{- end }}
{{- end -}}
{{- end -}}

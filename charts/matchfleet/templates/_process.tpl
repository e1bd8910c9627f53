{{/*
A process of the platform as a Deployment. Its parameters are its whole description:

  component       its name
  command         module and arguments, after `python -m`
  values          {replicas?, env, resources}
  stores          the datastores it may know
  files           the mounted files it may read
  serviceAccount  who it is to the cluster; without one it has no token
  ports           {name: port} beside metrics
  health          {port: name or number} of /livez and /readyz
  strategy        Recreate or RollingUpdate
  annotations     of the pod
  podName         whether it is told its pod's name
  grace           seconds between SIGTERM and SIGKILL
  apart           whether its pods prefer nodes of their own
*/}}
{{- define "matchfleet.process" -}}
{{- $labels := dict "root" .root "component" .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "matchfleet.fullname" .root }}-{{ .component }}
  labels: {{- include "matchfleet.labels" $labels | nindent 4 }}
spec:
  replicas: {{ dig "replicas" 1 .values }}
  revisionHistoryLimit: 3
  strategy: {type: {{ .strategy | default "RollingUpdate" }}}
  selector:
    matchLabels: {{- include "matchfleet.selector" $labels | nindent 6 }}
  template:
    metadata:
      labels: {{- include "matchfleet.podLabels" $labels | nindent 8 }}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "9090"
        prometheus.io/path: /metrics
        {{- range $name, $value := .annotations }}
        {{ $name }}: {{ $value | quote }}
        {{- end }}
    spec:
      {{- include "matchfleet.podCommon" (dict "root" .root "token" (ternary true false (not (empty .serviceAccount)))) | nindent 6 }}
      {{- with .serviceAccount }}
      serviceAccountName: {{ . }}
      {{- end }}
      terminationGracePeriodSeconds: {{ .grace | default 30 }}
      {{- if .apart }}
      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            podAffinityTerm:
              topologyKey: kubernetes.io/hostname
              labelSelector:
                matchLabels: {{- include "matchfleet.selector" $labels | nindent 18 }}
      {{- end }}
      containers:
      - name: {{ .component }}
        image: {{ include "matchfleet.image" (dict "root" .root "image" .root.Values.image) }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        command: [python, -m, {{ join ", " .command }}]
        env: {{- include "matchfleet.environment" (dict "root" .root "stores" .stores "files" .files "env" .values.env) | nindent 8 }}
        {{- if .podName }}
        - name: MATCHFLEET_POD_NAME
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- end }}
        ports:
        - {name: metrics, containerPort: 9090}
        {{- range $name, $port := .ports }}
        - {name: {{ $name }}, containerPort: {{ $port }}}
        {{- end }}
        # A process answers /livez at once and /readyz once its datastores and schema are there.
        startupProbe:
          httpGet: {path: /livez, port: {{ .health }}}
          periodSeconds: 1
          failureThreshold: 60
        livenessProbe:
          httpGet: {path: /livez, port: {{ .health }}}
          periodSeconds: 10
          timeoutSeconds: 3
        readinessProbe:
          httpGet: {path: /readyz, port: {{ .health }}}
          periodSeconds: 2
          timeoutSeconds: 3
        resources: {{- toYaml .values.resources | nindent 10 }}
        securityContext: {{- include "matchfleet.containerSecurity" . | nindent 10 }}
        volumeMounts: {{- include "matchfleet.mounts" . | nindent 8 }}
      volumes: {{- include "matchfleet.volumes" . | nindent 6 }}
{{- end -}}

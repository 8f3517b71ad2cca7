{{- /* With autoUpdateCVM, what runs stays: an upgrade of the chart must not undo what cvmanager has rolled out. */}}
{{- define "cvmanager.image" -}}
{{- $repository := required "image.repository is not set: name the repository that your cluster pulls cvmanager from, such as registry.example.com/cvmanager" .Values.image.repository }}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- if and (eq $tag "latest") (not .Values.image.digest) }}
{{- fail "image.tag is latest, which moves: name a version or image.digest, and let cvmanager follow latest with autoUpdateCVM and cvCD.refTag" }}
{{- end }}
{{- $image := printf "%s:%s" $repository $tag }}
{{- if .Values.image.digest }}
{{- $image = printf "%s@%s" $image .Values.image.digest }}
{{- end }}
{{- if .Values.autoUpdateCVM }}
{{- $running := lookup "apps/v1" "Deployment" .Release.Namespace (include "cvmanager.fullname" .) }}
{{- range dig "spec" "template" "spec" "containers" list $running }}
{{- if and (eq .name "cvmanager") (regexMatch (printf "^%s[:@]" (regexQuoteMeta $repository)) .image) }}
{{- $image = .image }}
{{- end }}
{{- end }}
{{- end }}
{{- $image }}
{{- end }}

{{- define "cvmanager.ca" -}}
{{- with .Values.registryCA }}
{{- if and .configMap .secret }}
{{- fail "registryCA has configMap and secret: name one of them" }}
{{- end }}
{{- if .configMap }}
configMap:
  name: {{ .configMap }}
{{- else if .secret }}
secret:
  secretName: {{ .secret }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cvmanager.mounts" -}}
{{- if .Values.hooks.enabled }}
- name: hooks
  mountPath: /etc/cvmanager/hooks
  readOnly: true
{{- end }}
{{- if include "cvmanager.ca" . }}
- name: ca
  mountPath: /etc/cvmanager/ca
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "cvmanager.volumes" -}}
{{- if .Values.hooks.enabled }}
- name: hooks
  secret:
    secretName: {{ required "hooks.secretName is not set: webhooks without a secret are not accepted; name the Secret with one key for each kind of webhook" .Values.hooks.secretName }}
{{- end }}
{{- with include "cvmanager.ca" . }}
- name: ca
  {{- trim . | nindent 2 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Pod Security "restricted", of a pod and of a container. */}}
{{- define "cvmanager.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "cvmanager.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

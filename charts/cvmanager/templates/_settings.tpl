{{- /* The data of the ConfigMap: lists are joined by commas. cvmanager itself adds the key version with autoUpdateCVM. */}}
{{- define "cvmanager.settings" -}}
{{- $settings := .Values.useHistory | ternary (dict "history" true) dict }}
{{- range $key, $value := merge (dict) .Values.settings $settings }}
{{ $key }}: {{ (kindIs "slice" $value | ternary (join "," $value) (toString $value)) | quote }}
{{- end }}
{{- end }}

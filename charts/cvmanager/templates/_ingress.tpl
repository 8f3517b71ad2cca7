{{- /* An Ingress to a port of a Service. Takes a dict of root, service, port, path and ingress, the values. */}}
{{- define "cvmanager.ingress" -}}
{{- $ := . }}
{{- if not .ingress.hosts }}
{{- fail (printf "the Ingress %s has no hosts: name one, so that it does not take the requests to all hosts" .service) }}
{{- end }}
apiVersion: networking.k8s.io/v1
kind: Ingress
{{ include "cvmanager.metadata" (dict "root" .root "name" .service) }}
  {{- with .ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .ingress.tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    {{- range .ingress.hosts }}
    - host: {{ . | quote }}
      http:
        paths:
          - path: {{ $.path }}
            pathType: Prefix
            backend:
              service:
                name: {{ $.service }}
                port:
                  name: {{ $.port }}
    {{- end }}
{{- end }}

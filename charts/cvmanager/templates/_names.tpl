{{- define "cvmanager.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* <release>-<name>, or <release> alone if it contains the name. Leaves room for the Service "-hooks". */}}
{{- define "cvmanager.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- default $full .Values.fullnameOverride | trunc 57 | trimSuffix "-" }}
{{- end }}

{{- define "cvmanager.serviceAccount" -}}
{{- default (include "cvmanager.fullname" .) .Values.serviceAccount.name }}
{{- end }}

{{- /* The releases of a namespace share one Lease, so that two never act at once, unless each works in namespaces of its own. */}}
{{- define "cvmanager.lease" -}}
{{- default (empty .Values.watchNamespaces | ternary "cvmanager" (include "cvmanager.fullname" .)) .Values.lease.name }}
{{- end }}

{{- /* Those of the first chart, by which an old Deployment is taken over: a selector cannot be changed. */}}
{{- define "cvmanager.selector" -}}
app: {{ include "cvmanager.name" . }}
release: {{ .Release.Name }}
{{- end }}

{{- define "cvmanager.labels" -}}
app.kubernetes.io/name: {{ include "cvmanager.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* What all objects of the release namespace begin with. Takes a dict of root and name. */}}
{{- define "cvmanager.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "cvmanager.labels" .root | nindent 4 }}
{{- end }}

{{- /* The subject of its bindings. */}}
{{- define "cvmanager.account" -}}
{{- include "cvmanager.subject" (dict "name" (include "cvmanager.serviceAccount" .) "namespace" .Release.Namespace) }}
{{- end }}

{{- define "cvmanager.subject" -}}
- kind: ServiceAccount
  name: {{ .name }}
  namespace: {{ .namespace }}
{{- end }}

{{- /* All rights of cvmanager in the namespaces that it works in. The end-to-end tests run it with exactly these. */}}
{{- define "cvmanager.rules" -}}
- apiGroups: [cvmanager.io]
  resources: [containerversions]
  # get: after a conflict; patch: the finalizer while a rollout is under way
  verbs: [get, list, watch, patch]
- apiGroups: [cvmanager.io]
  resources: [containerversions/status]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  verbs: [get, list, watch, patch]
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, patch]
- apiGroups: [batch]
  # never patch: nobody can change the image of a Job
  resources: [jobs]
  verbs: [get, list, watch]
- apiGroups: [""]
  # the strategy ServiceBlueGreen: which side is live; the switch. Checks of kind HTTP: get
  resources: [services]
  verbs: [get, list, watch, patch]
- apiGroups: [apps]
  # it scales the side that is not live, and the old one after the switch
  resources: [deployments/scale]
  verbs: [patch]
- apiGroups: [discovery.k8s.io]
  # which pods behind a Service are ready: ServiceBlueGreen, and checks of kind HTTP
  resources: [endpointslices]
  verbs: [list]
- apiGroups: [autoscaling]
  # how many pods a side may have
  resources: [horizontalpodautoscalers]
  verbs: [list]
- apiGroups: [apps]
  # which pods have the present template of a DaemonSet
  resources: [controllerrevisions]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  # list: the pods of workloads; patch: the images of pods that nothing controls; create: checks of kind Image and Command;
  # delete: their pods, and a broken pod of a StatefulSet, which blocks every later update
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods/log]
  # why a check has failed
  verbs: [get]
- apiGroups: [""]
  # the history, spec.config, and the settings of --configmap-key
  resources: [configmaps]
  verbs: [get, create, patch]
- apiGroups: [""]
  # their pull secrets
  resources: [serviceaccounts]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  # list: why the API server refuses pods of a StatefulSet or DaemonSet
  verbs: [create, list]
{{- end }}

{{- /* Reviews have no namespace. */}}
{{- define "cvmanager.rules.reviews" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  # who sends a token to /v1/cv/workloads
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  # what the account of that token may list
  verbs: [create]
{{- end }}

{{- /* Its rights in its own namespace. */}}
{{- define "cvmanager.rules.own" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "cvmanager.lease" . }}]
  # update: the leader's renewals, and its address for webhooks
  verbs: [get, update]
{{- if .Values.watchNamespaces }}
- apiGroups: [""]
  # the settings of --configmap-key
  resources: [configmaps]
  resourceNames: [{{ include "cvmanager.fullname" . }}]
  verbs: [get]
{{- end }}
{{- end }}

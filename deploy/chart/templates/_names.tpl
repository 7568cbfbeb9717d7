{{/* Names and labels: those of Zero to JupyterHub's chart, so that what knows its objects finds these. */}}

{{/* What stands before a component's name: "" or "something-". */}}
{{- define "hubgate.prefix" -}}
{{- if kindIs "string" .Values.fullnameOverride -}}
{{- with .Values.fullnameOverride }}{{ . }}-{{ end -}}
{{- else -}}
{{- $name := kindIs "string" .Values.nameOverride | ternary .Values.nameOverride .Chart.Name -}}
{{- if contains $name .Release.Name }}{{ .Release.Name }}-{{ else }}{{ .Release.Name }}-{{ $name }}-{{ end -}}
{{- end -}}
{{- end -}}

{{/* (list . "proxy-api"): the name of a namespaced object. */}}
{{- define "hubgate.name" -}}
{{- include "hubgate.prefix" (index . 0) }}{{ index . 1 -}}
{{- end -}}

{{/* (list . "default-priority"): the name of an object that the whole cluster shares. */}}
{{- define "hubgate.clusterName" -}}
{{- $root := index . 0 -}}
{{- include "hubgate.prefix" $root | default (printf "%s-" $root.Release.Name) }}{{ index . 1 -}}
{{- end -}}

{{- define "hubgate.app" -}}
{{- .Values.nameOverride | default "jupyterhub" -}}
{{- end -}}

{{- define "hubgate.chart" -}}
{{- printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") -}}
{{- end -}}

{{/* (list . "hub"): by what Deployments, Services and policies find a component's pods. */}}
{{- define "hubgate.selector" -}}
app: {{ include "hubgate.app" (index . 0) }}
release: {{ (index . 0).Release.Name }}
component: {{ index . 1 }}
{{- end -}}

{{/* (list . "hub"): what its pods carry; nothing that changes with the chart's version, which would replace
     every pod with every upgrade. */}}
{{- define "hubgate.podLabels" -}}
{{ include "hubgate.selector" . }}
app.kubernetes.io/name: {{ include "hubgate.app" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* (list . "hub"): what all other objects carry. */}}
{{- define "hubgate.labels" -}}
{{ include "hubgate.podLabels" . }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ include "hubgate.chart" (index . 0) }}
chart: {{ include "hubgate.chart" (index . 0) }}
{{- end -}}

{{- define "hubgate.serviceAccount" -}}
{{- with .Values.hub.serviceAccount -}}
{{- .name | default (.create | ternary (include "hubgate.name" (list $ "hub")) "default") -}}
{{- end -}}
{{- end -}}

{{/* hub.baseUrl with a slash at both ends. */}}
{{- define "hubgate.baseUrl" -}}
/{{ with .Values.hub.baseUrl | default "/" | trimAll "/" }}{{ . }}/{{ end }}
{{- end -}}

{{/* "true" where the proxy itself speaks https. */}}
{{- define "hubgate.tls" -}}
{{- if and .Values.proxy.https.enabled (has .Values.proxy.https.type (list "manual" "secret")) }}true{{ end -}}
{{- end -}}

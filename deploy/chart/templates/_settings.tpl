{{/* hub.yaml: the values as the settings of hubgate-hub, which checks all of it again at its start. It is written
     as JSON, which is YAML too: a text like 1e3 stays one. */}}

{{- define "hubgate.settings" -}}
{{- $hub := .Values.hub }}
{{- $jupyterhub := $hub.config.JupyterHub | default dict }}
{{- $settings := dict
      "hub_ip" ""
      "hub_connect_url" (printf "http://%s:8081" (include "hubgate.name" (list . "hub")))
      "base_url" (include "hubgate.baseUrl" .)
      "trusted_proxies" $hub.trustedProxies
      "state_dir" "/srv/hub"
      "proxy_api_url" (printf "http://%s:8001" (include "hubgate.name" (list . "proxy-api")))
      "spawner" "kubernetes"
      "kube_namespace" .Release.Namespace
      "kube_labels" (include "hubgate.serverLabels" . | fromYaml)
      "singleuser" (include "hubgate.singleuser" . | fromJson)
      "kubespawner" (include "hubgate.kubespawner" . | fromJson)
}}
{{- with include "hubgate.publicUrl" . }}{{ $_ := set $settings "public_url" . }}{{ end }}
{{- if .Values.debug.enabled }}{{ $_ := set $settings "log_level" "debug" }}
{{- else if $jupyterhub.log_level }}{{ $_ := set $settings "log_level" (include "hubgate.logLevel" $jupyterhub.log_level) }}{{ end }}
{{- with $jupyterhub.cookie_max_age_days }}{{ $_ := set $settings "session_days" (. | ceil | int) }}{{ end }}
{{- $prometheus := include "hubgate.first" (list $hub.authenticatePrometheus $jupyterhub.authenticate_prometheus) }}
{{- if $prometheus }}{{ $_ := set $settings "authenticate_prometheus" (eq $prometheus "true") }}{{ end }}
{{- $settings = merge (include "hubgate.limits" . | fromYaml) (include "hubgate.login" . | fromJson) $settings }}
{{- with include "hubgate.services" . | fromJsonArray }}{{ $_ := set $settings "services" . }}{{ end }}
{{- mergeOverwrite $settings $hub.settings | toPrettyJson }}
{{- end -}}

{{/* (list a b ...): the first that is not null, as a text. */}}
{{- define "hubgate.first" -}}
{{- $found := "" }}
{{- range reverse . }}{{ if not (kindIs "invalid" .) }}{{ $found = include "hubgate.text" . }}{{ end }}{{ end }}
{{- $found -}}
{{- end -}}

{{/* Python's names of levels. */}}
{{- define "hubgate.logLevel" -}}
{{- $level := . | toString | upper -}}
{{- if has $level (list "DEBUG" "10") }}debug{{ else if has $level (list "WARN" "WARNING" "30") }}warn{{ else if has $level (list "ERROR" "CRITICAL" "40" "50") }}error{{ else }}info{{ end -}}
{{- end -}}

{{/* How browsers come, where the values say so without doubt: else the hub goes by what requests say. */}}
{{- define "hubgate.publicUrl" -}}
{{- $https := .Values.proxy.https }}
{{- if (.Values.hub.config.JupyterHub | default dict).public_url -}}
{{- $url := urlParse .Values.hub.config.JupyterHub.public_url }}{{ $url.scheme }}://{{ $url.host -}}
{{- else if and $https.enabled $https.hosts -}}
https://{{ first $https.hosts -}}
{{- else if and .Values.ingress.enabled .Values.ingress.tls .Values.ingress.hosts -}}
https://{{ first .Values.ingress.hosts -}}
{{- end -}}
{{- end -}}

{{/* 0 means no limit in JupyterHub. */}}
{{- define "hubgate.limits" -}}
{{- $hub := .Values.hub }}{{ $jupyterhub := $hub.config.JupyterHub | default dict }}
{{- $named := include "hubgate.first" (list $jupyterhub.allow_named_servers $hub.allowNamedServers) }}
{{- $per_user := include "hubgate.first" (list $jupyterhub.named_server_limit_per_user $hub.namedServerLimitPerUser 0) | int }}
concurrent_spawns_max: {{ include "hubgate.first" (list $jupyterhub.concurrent_spawn_limit $hub.concurrentSpawnLimit 0) | int | default 10000 }}
active_servers_max: {{ include "hubgate.first" (list $jupyterhub.active_server_limit $hub.activeServerLimit 0) | int }}
servers_per_user_max: {{ eq $named "true" | ternary ($per_user | default 1000) 0 }}
consecutive_failures_max: {{ $hub.consecutiveFailureLimit | default 0 | int }}
{{- with .Values.cull }}
{{- if .enabled }}
cull_idle_timeout_s: {{ .timeout | default 0 | int }}
cull_every_s: {{ .every | default 600 | int }}
cull_max_age_s: {{ .maxAge | default 0 | int }}
cull_users: {{ .users | default false }}
{{- end }}
{{- end }}
{{- end -}}

{{/* ---- servers ---- */}}

{{/* What KubeSpawner puts on pods and claims of z2jh's chart. */}}
{{- define "hubgate.serverLabels" -}}
app: {{ include "hubgate.app" . }}
release: {{ .Release.Name }}
chart: {{ include "hubgate.chart" . }}
app.kubernetes.io/name: {{ include "hubgate.app" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: kubespawner
helm.sh/chart: {{ include "hubgate.chart" . }}
{{- end -}}

{{/* singleuser as it was given, with what other values say of users' pods. The hub lays it over z2jh's defaults,
     so what somebody took away with null must be said to be null: helm has dropped it. */}}
{{- define "hubgate.singleuser" -}}
{{- $given := omit (deepCopy .Values.singleuser) "networkPolicy" }}
{{- $user := .Values.scheduling.userPods }}
{{- $image := $given.image }}
{{- $_ := set $image "tag" ($image.tag | default .Chart.AppVersion) }}
{{- $_ := set $image "pullSecrets" (include "hubgate.pullSecretNames" (list . $image) | fromJsonArray) }}
{{- $_ := set $given "extraTolerations" (concat ($user.tolerations | default list) ($given.extraTolerations | default list)) }}
{{- $term := include "hubgate.nodeTerm" "user" | fromYaml }}
{{- $affinity := $given.extraNodeAffinity }}
{{- if eq $user.nodeAffinity.matchNodePurpose "prefer" }}
{{- $_ := set $affinity "preferred" (append ($affinity.preferred | default list) (dict "weight" 100 "preference" $term)) }}
{{- else if eq $user.nodeAffinity.matchNodePurpose "require" }}
{{- $_ := set $affinity "required" (append ($affinity.required | default list) $term) }}
{{- end }}
{{- range $key, $file := $given.extraFiles }}{{ $_ := set $given.extraFiles $key (pick $file "mountPath" "mode") }}{{ end }}
{{- if $given.extraFiles }}{{ $_ := set $given "extraFilesSecret" (include "hubgate.name" (list . "singleuser")) }}{{ end }}
{{- $given = include "hubgate.withoutNulls" $given | fromJson }}
{{- range list "cmd" "startTimeout" "uid" "fsGid" "allowPrivilegeEscalation" "events" "hideGpus" }}
{{- if not (hasKey $given .) }}{{ $_ := set $given . nil }}{{ end }}
{{- end }}
{{- if not (hasKey $given.memory "guarantee") }}{{ $_ := set $given.memory "guarantee" nil }}{{ end }}
{{- toJson $given }}
{{- end -}}

{{/* A map, and those in it, without members that are null. Lists stay as they are. */}}
{{- define "hubgate.withoutNulls" -}}
{{- $left := dict }}
{{- range $key, $value := . }}
{{- if kindIs "map" $value }}{{ $_ := set $left $key (include "hubgate.withoutNulls" $value | fromJson) }}
{{- else if not (kindIs "invalid" $value) }}{{ $_ := set $left $key $value }}{{ end }}
{{- end }}
{{- toJson $left }}
{{- end -}}

{{/* "true" where nothing in the values asks for a server that is root, or may become it. */}}
{{- define "hubgate.serversUnprivileged" -}}
{{- $user := .Values.singleuser }}
{{- $more := list .Values.hub.config.Spawner .Values.hub.config.KubeSpawner $user.profileList | toJson }}
{{- if and $user.uid (kindIs "bool" $user.allowPrivilegeEscalation) (not $user.allowPrivilegeEscalation) (not (regexMatch `"(uid|privileged|allow_privilege_escalation|container_security_context)":` $more)) }}true{{ end -}}
{{- end -}}

{{/* KubeSpawner's traits: those of hub.config, those of the class that it inherits from under them. A server that
     is not root has no use for what is taken from it here, and then Pod Security "restricted" takes its pod. */}}
{{- define "hubgate.kubespawner" -}}
{{- $traits := dict }}
{{- with include "hubgate.priority" (list . "default") | fromYaml }}{{ $_ := set $traits "priority_class_name" .priorityClassName }}{{ end }}
{{- if include "hubgate.serversUnprivileged" . }}
{{- $_ := set $traits "container_security_context" (dict "runAsNonRoot" true "capabilities" (dict "drop" (list "ALL")) "seccompProfile" (dict "type" "RuntimeDefault")) }}
{{- end }}
{{- range list "Spawner" "KubeSpawner" }}
{{- range $trait, $value := get $.Values.hub.config . | default dict }}{{ $_ := set $traits $trait $value }}{{ end }}
{{- end }}
{{- toJson $traits }}
{{- end -}}

{{/* ---- services ---- */}}

{{- define "hubgate.tokenVariable" -}}
TOKEN_{{ . | upper | replace "-" "_" | replace "." "_" -}}
{{- end -}}

{{/* The list that the hub has of hub.services and hub.loadRoles. */}}
{{- define "hubgate.services" -}}
{{- $services := list }}
{{- range $key, $given := .Values.hub.services }}
{{- $given = $given | default dict }}
{{- $service := pick $given "url" "admin" "oauth_client_id" "oauth_redirect_uri" "oauth_no_confirm" }}
{{- $_ := set $service "name" ($given.name | default $key) }}
{{- $_ := set $service "token_env" (include "hubgate.tokenVariable" $key) }}
{{- $scopes := list }}
{{- range $.Values.hub.loadRoles }}
{{- if has $key (.services | default list) }}{{ $scopes = concat $scopes (.scopes | default list) }}{{ end }}
{{- end }}
{{- with $scopes }}{{ $_ := set $service "scopes" (uniq .) }}{{ end }}
{{- $services = append $services $service }}
{{- end }}
{{- toJson $services }}
{{- end -}}

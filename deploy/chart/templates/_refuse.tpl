{{/* What the schema cannot say: values that are known and cannot be done here are refused with their path and
     what to use instead; docs/from-z2jh.md has all of them. */}}

{{- define "hubgate.refuse" -}}
{{- $table := "see docs/from-z2jh.md" -}}
{{- range $key, $code := .Values.hub.extraConfig -}}
{{- if $code }}{{ fail (printf "\n\nhub.extraConfig.%s: this hub runs no Python; hub.config and hub.settings have what it can do, and %q in docs/from-z2jh.md what to use for the usual snippets\n" $key "Instead of extraConfig") }}{{ end -}}
{{- end -}}
{{- with .Values.hub.db -}}
{{- if has .type (list "mysql" "postgres" "other") }}{{ fail (printf "\n\nhub.db.type: %s: this hub keeps its state in SQLite alone; leave the type at sqlite-pvc (hub.db.pvc says where), %s\n" .type $table) }}{{ end -}}
{{- range $key := list "url" "password" }}{{ if get $.Values.hub.db $key }}{{ fail (printf "\n\nhub.db.%s: this hub keeps its state in SQLite alone, on the volume of hub.db.pvc; take the key away, %s\n" $key $table) }}{{ end }}{{ end -}}
{{- end -}}
{{- with .Values.proxy.https -}}
{{- if .enabled -}}
{{- if not (has .type (list "manual" "secret" "offload")) }}{{ fail (printf "\n\nproxy.https.type: letsencrypt: the chart asks no certificates of anybody; let cert-manager write one into a Secret and use type secret with proxy.https.secret.name, or use ingress.tls with proxy.https.enabled false, %s\n" $table) }}{{ end -}}
{{- if eq .type "manual" }}{{ range $key := list "key" "cert" }}{{ if not (get $.Values.proxy.https.manual $key) }}{{ fail (printf "\n\nproxy.https.manual.%s: type manual needs it: PEM, as a text\n" $key) }}{{ end }}{{ end }}{{ end -}}
{{- if and (eq .type "secret") (not .secret.name) }}{{ fail "\n\nproxy.https.secret.name: type secret needs it: the name of a Secret with key and certificate in this namespace\n" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}{{ fail "\n\nhttpRoute.parentRefs: httpRoute.enabled needs it: the Gateway that routes here, like [{name: gateway, namespace: gateway}]\n" }}{{ end -}}
{{- if and .Values.proxy.service.disableHttpPort (not .Values.proxy.https.enabled) }}{{ fail "\n\nproxy.service.disableHttpPort: without proxy.https.enabled no port would be left\n" }}{{ end -}}
{{- range $name, $service := .Values.hub.services -}}
{{- if $service }}{{ if $service.command }}{{ fail (printf "\n\nhub.services.%s.command: this hub runs no services; give the program a Deployment of its own and its token from the Secret (hub.services.%s.apiToken), %s\n" $name $name $table) }}{{ end }}{{ end -}}
{{- end -}}
{{- range $name, $role := .Values.hub.loadRoles -}}
{{- range $key := list "users" "groups" }}{{ if get ($role | default dict) $key }}{{ fail (printf "\n\nhub.loadRoles.%s.%s: this hub has roles for services alone; users are users or admins (hub.config.Authenticator.admin_users), %s\n" $name $key $table) }}{{ end }}{{ end -}}
{{- range $service := ($role | default dict).services }}{{ if not (hasKey $.Values.hub.services $service) }}{{ fail (printf "\n\nhub.loadRoles.%s.services: hub.services has no %s\n" $name $service) }}{{ end }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* Values of z2jh that are taken and do nothing here, as a JSON list of their paths where they are set; the notes
     name them, and docs/from-z2jh.md says why. */}}
{{- define "hubgate.withoutEffect" -}}
{{- $paths := list }}
{{- range $path := list "proxy.traefik" "proxy.secretSync" "scheduling.userScheduler" "prePuller.hook"
      "hub.redirectToServer" "hub.shutdownOnLogout" "hub.templatePaths" "hub.templateVars" "hub.db.upgrade"
      "cull.concurrency" "cull.adminUsers" "cull.removeNamedServers" "global.safeToShowValues"
      "hub.config.JupyterHub.cleanup_servers" "hub.config.JupyterHub.template_vars"
      "hub.config.Authenticator.enable_auth_state" "hub.config.Authenticator.auto_login"
      "hub.config.CryptKeeper" }}
{{- $at := $.Values }}
{{- range $key := splitList "." $path }}{{ $at = kindIs "map" $at | ternary (get (kindIs "map" $at | ternary $at dict) $key) nil }}{{ end }}
{{- if $at }}{{ $paths = append $paths $path }}{{ end }}
{{- end }}
{{- $paths | toJson -}}
{{- end -}}

{{/* hub.config's authenticators as the hub's settings of log-in. */}}

{{/* What JupyterHub calls an authenticator, and what there is here. */}}
{{- define "hubgate.way" -}}
{{- $class := (.Values.hub.config.JupyterHub | default dict).authenticator_class | default "dummy" -}}
{{- $ways := dict
      "dummy" "dummy"
      "jupyterhub.auth.DummyAuthenticator" "dummy"
      "dummyauthenticator.DummyAuthenticator" "dummy"
      "shared-password" "shared-password"
      "jupyterhub.authenticators.shared.SharedPasswordAuthenticator" "shared-password"
      "password-file" "password-file"
      "github" "github"
      "oauthenticator.GitHubOAuthenticator" "github"
      "oauthenticator.github.GitHubOAuthenticator" "github"
      "gitlab" "gitlab"
      "oauthenticator.GitLabOAuthenticator" "gitlab"
      "oauthenticator.gitlab.GitLabOAuthenticator" "gitlab"
      "google" "google"
      "oauthenticator.GoogleOAuthenticator" "google"
      "oauthenticator.google.GoogleOAuthenticator" "google"
      "generic-oauth" "generic"
      "oauthenticator.GenericOAuthenticator" "generic"
      "oauthenticator.generic.GenericOAuthenticator" "generic"
-}}
{{- if .Values.hub.settings.authenticator }}settings
{{- else if hasKey $ways $class }}{{ get $ways $class }}
{{- else }}{{ fail (printf "\n\nhub.config.JupyterHub.authenticator_class: there is no %s here; there are dummy, shared-password, password-file, github, gitlab, google and generic-oauth, which speaks with every provider of OAuth 2 or OpenID Connect; docs/from-z2jh.md has a table\n" $class) }}
{{- end -}}
{{- end -}}

{{/* The classes whose traits count for a way, the most general first. */}}
{{- define "hubgate.authClasses" -}}
{{- $oauth := list "Authenticator" "OAuthenticator" -}}
{{- get (dict
      "settings" (list "Authenticator")
      "dummy" (list "Authenticator" "DummyAuthenticator")
      "shared-password" (list "Authenticator" "SharedPasswordAuthenticator")
      "password-file" (list "Authenticator")
      "github" (append $oauth "GitHubOAuthenticator")
      "gitlab" (append $oauth "GitLabOAuthenticator")
      "google" (append $oauth "GoogleOAuthenticator")
      "generic" (append $oauth "GenericOAuthenticator")) . | toJson -}}
{{- end -}}

{{/* The traits that count, by name. */}}
{{- define "hubgate.authTraits" -}}
{{- $traits := dict }}
{{- range include "hubgate.authClasses" (include "hubgate.way" .) | fromJsonArray }}
{{- $class := . }}
{{- range $trait, $value := get $.Values.hub.config . | default dict }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $traits $trait $value }}{{ end }}
{{- end }}
{{- end }}
{{- toJson $traits }}
{{- end -}}

{{/* Traits that would keep somebody out, and that this hub cannot honour: dropped, they would let in. */}}
{{- define "hubgate.refuseTraits" -}}
{{- $instead := dict
      "allowed_organizations" "name people in allowed_users, or use a provider that tells groups (gitlab, generic-oauth)"
      "allowed_teams" "name people in allowed_users, or use a provider that tells groups (gitlab, generic-oauth)"
      "allowed_project_ids" "use allowed_gitlab_groups"
      "allowed_google_groups" "name people in allowed_users"
      "admin_google_groups" "name people in admin_users"
      "blocked_users" "name those who may log in, in allowed_users"
      "username_pattern" "name those who may log in, in allowed_users"
      "username_map" "let username_claim name a member that is the name to use"
      "admin_password" "the hub's users log in with the one password; admins are those of admin_users"
-}}
{{- range $class := include "hubgate.authClasses" (include "hubgate.way" .) | fromJsonArray }}
{{- $given := get $.Values.hub.config $class | default dict }}
{{- range $trait, $words := $instead }}
{{- if get $given $trait }}{{ fail (printf "\n\nhub.config.%s.%s: this hub cannot tell by it who may come in; %s (docs/from-z2jh.md)\n" $class $trait $words) }}{{ end }}
{{- end }}
{{- if and (hasKey $given "allow_existing_users") (kindIs "bool" $given.allow_existing_users) (not $given.allow_existing_users) }}{{ fail (printf "\n\nhub.config.%s.allow_existing_users: users whom the hub has may log in; delete those who may not (docs/from-z2jh.md)\n" $class) }}{{ end }}
{{- end }}
{{- end -}}

{{- define "hubgate.login" -}}
{{- include "hubgate.refuseTraits" . }}
{{- $way := include "hubgate.way" . }}
{{- $traits := include "hubgate.authTraits" . | fromJson }}
{{- $login := dict }}
{{- $oauth := has $way (list "github" "gitlab" "google" "generic") }}
{{- if ne $way "settings" }}{{ $_ := set $login "authenticator" (eq $way "shared-password" | ternary "dummy" ($oauth | ternary "oauth2" $way)) }}{{ end }}
{{- $names := dict "allow_all" "allow_all" "allowed_users" "allow_users" "admin_users" "admin_users" "allowed_groups" "allow_groups" "admin_groups" "admin_groups" "allowed_gitlab_groups" "allow_groups" "admin_gitlab_groups" "admin_groups" }}
{{- if $oauth }}
{{- $names = merge $names (dict
      "client_id" "oauth2_client_id"
      "oauth_callback_url" "oauth2_callback_url"
      "login_service" "oauth2_provider"
      "authorize_url" "oauth2_authorize_url"
      "token_url" "oauth2_token_url"
      "userdata_url" "oauth2_userinfo_url"
      "scope" "oauth2_scopes"
      "username_claim" "oauth2_username_claim"
      "username_key" "oauth2_username_claim"
      "claim_groups_key" "oauth2_groups_claim"
      "logout_redirect_url" "logout_url"
      "github_url" "oauth2_base_url"
      "gitlab_url" "oauth2_base_url"
      "hosted_domain" "oauth2_domains") }}
{{- if ne $way "generic" }}{{ $_ := set $login "oauth2_preset" $way }}{{ end }}
{{- if hasKey $traits "basic_auth_enabled" }}{{ $_ := set $login "oauth2_secret_in_body" (not $traits.basic_auth_enabled) }}{{ end }}
{{- end }}
{{- $old := (.Values.hub.config.JupyterHub | default dict).admin_users }}
{{- if and $old (not $traits.admin_users) }}{{ $_ := set $login "admin_users" $old }}{{ end }}
{{- range $trait, $setting := $names }}
{{- $value := get $traits $trait }}
{{- if and (hasKey $traits $trait) (or (kindIs "bool" $value) $value) }}{{ $_ := set $login $setting $value }}{{ end }}
{{- end }}
{{- with $traits.auth_state_groups_key }}
{{- $_ := set $login "oauth2_groups_claim" (splitList "." . | last) }}
{{- end }}
{{- toJson $login }}
{{- end -}}

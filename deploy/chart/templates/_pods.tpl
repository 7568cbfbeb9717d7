{{/* What the pods of this chart have in common. */}}

{{/* .Values....image: name:tag. The chart's images are as old as the chart, where no tag is given. */}}
{{- define "hubgate.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 -}}
{{ $image.name }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}

{{/* (list . image): its pull secrets as a JSON list of names: its own, those of all pods, the one made here. */}}
{{- define "hubgate.pullSecretNames" -}}
{{- $root := index . 0 }}{{ $image := index . 1 }}{{ $names := list -}}
{{- range concat ($image.pullSecrets | default list) ($root.Values.imagePullSecrets | default list) -}}
{{- $names = append $names (kindIs "map" . | ternary . (dict "name" .)).name -}}
{{- end -}}
{{- if and $root.Values.imagePullSecret.create $root.Values.imagePullSecret.automaticReferenceInjection -}}
{{- $names = append $names (include "hubgate.name" (list $root "image-pull-secret")) -}}
{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{- define "hubgate.pullSecrets" -}}
{{- range include "hubgate.pullSecretNames" . | fromJsonArray }}
- name: {{ . | quote }}
{{- end -}}
{{- end -}}

{{/* A text, or a number as it was written: sprig would make 1000000 to 1e+06. */}}
{{- define "hubgate.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{/* extraEnv: a list as Kubernetes has it, or a map of texts and of members of EnvVar. */}}
{{- define "hubgate.env" -}}
{{- if kindIs "slice" . -}}
{{- with . }}{{ toYaml . }}{{ end -}}
{{- else -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- {{ merge dict $value (dict "name" $name) | toYaml | nindent 2 | trim }}
{{- else }}
- name: {{ $name | quote }}
  value: {{ include "hubgate.text" $value | quote }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* (dict "enabled" ... ) without what is the chart's own. */}}
{{- define "hubgate.probe" -}}
{{- omit . "enabled" | toYaml -}}
{{- end -}}

{{/* (list "core" .Values.scheduling.corePods own): where pods of this kind run. */}}
{{- define "hubgate.tolerations" -}}
{{- with concat ((index . 0).tolerations | default list) ((index . 1) | default list) -}}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* (list "core" "prefer"): the node's label hub.jupyter.org/node-purpose, ignored, preferred or required. */}}
{{- define "hubgate.nodeTerm" -}}
matchExpressions:
  - key: hub.jupyter.org/node-purpose
    operator: In
    values: [{{ . }}]
{{- end -}}

{{- define "hubgate.affinity" -}}
{{- if eq (index . 1) "prefer" -}}
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          {{- include "hubgate.nodeTerm" (index . 0) | nindent 10 }}
{{- else if eq (index . 1) "require" -}}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - {{- include "hubgate.nodeTerm" (index . 0) | nindent 10 }}
{{- end -}}
{{- end -}}

{{/* (list . "default"): the priority class of pods, where there are classes. */}}
{{- define "hubgate.priority" -}}
{{- if (index . 0).Values.scheduling.podPriority.enabled -}}
priorityClassName: {{ include "hubgate.clusterName" (list (index . 0) (printf "%s-priority" (index . 1))) }}
{{- end -}}
{{- end -}}

{{/* ---- extraFiles ---- */}}

{{/* An extraFiles map as the data of a Secret. */}}
{{- define "hubgate.filesData" -}}
{{- range $key, $file := . }}
{{- if $file.binaryData }}
{{ $key | quote }}: {{ $file.binaryData | replace "\n" "" | quote }}
{{- else if hasKey $file "data" }}
{{- $ends := $file.mountPath | lower }}
{{- if hasSuffix ".json" $ends }}
{{ $key | quote }}: {{ $file.data | toJson | b64enc }}
{{- else if hasSuffix ".toml" $ends }}
{{ $key | quote }}: {{ $file.data | toToml | b64enc }}
{{- else if or (hasSuffix ".yaml" $ends) (hasSuffix ".yml" $ends) }}
{{ $key | quote }}: {{ $file.data | toYaml | b64enc }}
{{- else }}
{{- fail (printf "extraFiles.%s.data: mountPath must end in .yaml, .yml, .json or .toml; use stringData for others" $key) }}
{{- end }}
{{- else }}
{{ $key | quote }}: {{ $file.stringData | default "" | b64enc | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The volume's items, and where they are mounted. */}}
{{- define "hubgate.filesItems" -}}
{{- range $key, $file := . }}
- key: {{ $key | quote }}
  path: {{ $key | quote }}
  {{- with $file.mode }}
  mode: {{ . | int }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "hubgate.filesMounts" -}}
{{- range $key, $file := . }}
- name: files
  mountPath: {{ $file.mountPath | quote }}
  subPath: {{ $key | quote }}
  readOnly: true
{{- end }}
{{- end -}}

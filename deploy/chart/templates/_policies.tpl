{{/* NetworkPolicies are drawn by labels that whoever may connect carries. */}}

{{/* (list policy "proxy-api"): from pods with hub.jupyter.org/network-access-...; with `accept` from those of
     other namespaces that carry it too. */}}
{{- define "hubgate.from" -}}
{{- $access := printf "hub.jupyter.org/network-access-%s" (index . 1) -}}
from:
  - podSelector:
      matchLabels:
        {{ $access }}: "true"
  {{- if eq (index . 0).interNamespaceAccessLabels "accept" }}
    namespaceSelector: {}
  - podSelector: {}
    namespaceSelector:
      matchLabels:
        {{ $access }}: "true"
  {{- end }}
{{- end -}}

{{/* (list . "hub" 8081 ...): to a component's ports. */}}
{{- define "hubgate.to" -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "hubgate.selector" (list (index . 0) (index . 1)) | nindent 10 }}
  ports:
    {{- range slice . 2 }}
    - port: {{ . }}
    {{- end }}
{{- end -}}

{{- define "hubgate.private" -}}
["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
{{- end -}}

{{- define "hubgate.blocks" -}}
{{- range . }}
- ipBlock:
    cidr: {{ . }}
{{- end }}
{{- end -}}

{{/* Names are asked of servers that nobody knows beforehand: in kube-system, at private addresses, or where a
     cloud has its metadata. */}}
{{- define "hubgate.egressDNS" -}}
{{- $rules := (index . 1).egressAllowRules }}{{ $private := include "hubgate.private" . | fromJsonArray }}{{ $blocks := list -}}
{{- if $rules.dnsPortsPrivateIPs }}{{ $blocks = concat $blocks $private }}{{ end -}}
{{- if $rules.dnsPortsCloudMetadataServer }}{{ $blocks = append $blocks (printf "%s/32" (index . 0).Values.singleuser.cloudMetadata.ip) }}{{ end -}}
{{- if or $blocks $rules.dnsPortsKubeSystemNamespace }}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  to:
    {{- if $rules.dnsPortsKubeSystemNamespace }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    {{- end }}
    {{- with include "hubgate.blocks" $blocks }}{{ . | trim | nindent 4 }}{{ end }}
{{- end }}
{{- end -}}

{{/* (list . policy): what egressAllowRules and egress let out beside a component's own ways. */}}
{{- define "hubgate.egress" -}}
{{- $rules := (index . 1).egressAllowRules }}{{ $private := include "hubgate.private" . | fromJsonArray -}}
{{- $metadata := printf "%s/32" (index . 0).Values.singleuser.cloudMetadata.ip -}}
{{- include "hubgate.egressDNS" . }}
{{- if $rules.nonPrivateIPs }}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- append $private $metadata | toYaml | nindent 10 }}
    - ipBlock:
        cidr: ::/0
        except: ["fc00::/7", "fe80::/10", "fd00:ec2::254/128"]
{{- end }}
{{- $blocks := list }}
{{- if $rules.privateIPs }}{{ $blocks = concat $private (list "fc00::/7") }}{{ end }}
{{- if $rules.cloudMetadataServer }}{{ $blocks = append $blocks $metadata }}{{ end }}
{{- with $blocks }}
- to:
    {{- with include "hubgate.blocks" . }}{{ . | trim | nindent 4 }}{{ end }}
{{- end }}
{{- with (index . 1).egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* (list policy): ports that are open to everybody, and the rules of the values. */}}
{{- define "hubgate.ingress" -}}
{{- with .allowedIngressPorts }}
- ports:
    {{- range . }}
    - port: {{ . }}
    {{- end }}
{{- end }}
{{- with .ingress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

# bash completion for hubctl, written by `make docs` from the rows of its verbs and flags.

# Offers what begins with the word under the cursor, quoted for the shell. Bash replaces only what
# stands behind the last of : = @, so that what is before it is left out.
_hubctl_offer() {
  local offer
  for offer; do
    if [[ $offer == "$word"* ]]; then
      printf -v offer %q "$offer"
      COMPREPLY+=("${offer#"$before"}")
    fi
  done
}

# Names as those have them who are asked. Users are asked for from the first letter on: there may be
# thousands.
_hubctl_names() {
  local -a names ask=(hubctl get "$1" -o name --timeout 2 ${word:+--filter "$word"})
  case $1 in
  users) [ -n "$word" ] || return 0 ;;&
  users | servers) ask+=("${hub[@]}") ;;
  pods) ask+=("${file[@]}" "${cluster[@]}") ;;
  contexts) ask=(hubctl contexts -o name "${file[@]}") ;;
  esac
  mapfile -t names < <("${ask[@]}" 2>/dev/null </dev/null)
  _hubctl_offer "${names[@]}"
}

_hubctl() {
  local line=${COMP_LINE:0:COMP_POINT} part=${COMP_WORDS[COMP_CWORD]}
  local word previous before verb='' first='' words=0 i
  local -a typed hub=() file=() cluster=()
  COMPREPLY=()
  # Bash's own words end at every : and @; ours at blanks, unless a backslash is before them.
  # shellcheck disable=SC2162
  read -a typed <<<"$line"
  if [[ $line == *[[:blank:]] && $line != *\\[[:blank:]] ]]; then typed+=(''); fi
  i=$((${#typed[@]} - 1))
  word=${typed[i]} previous=${typed[i - 1]}
  printf -v before %q "$word"
  case $part in
  : | = | :=) ;;
  *) before=${before%"$part"} ;;
  esac
  if [ -z "$word" ]; then before=''; fi
  for ((i = 1; i < ${#typed[@]} - 1; i++)); do
    case ${typed[i]} in
    --url | --token-file | --ca-file) hub+=("${typed[i]}" "${typed[i + 1]}"); i=$((i + 1)) ;;
    --url=* | --token-file=* | --ca-file=*) hub+=("${typed[i]}") ;;
    --kubeconfig) file+=("${typed[i]}" "${typed[i + 1]}"); i=$((i + 1)) ;;
    --kubeconfig=*) file+=("${typed[i]}") ;;
    --context | -n | --namespace) cluster+=("${typed[i]}" "${typed[i + 1]}"); i=$((i + 1)) ;;
    --context=* | --namespace=*) cluster+=("${typed[i]}") ;;
    -o | --output | --sort | --filter | --state | --tail | --profile | --note | --expires | --scopes | --revoke | --every | --for | -c | --container | --timeout) i=$((i + 1)) ;;
    -*) ;;
    *)
      case $words in 0) verb=${typed[i]} ;; 1) first=${typed[i]} ;; esac
      words=$((words + 1))
      ;;
    esac
  done
  case $previous in
  -o | --output) _hubctl_offer json yaml wide name; return ;;
  --sort) return ;;
  --filter) return ;;
  --state) _hubctl_offer ready active pending inactive all; return ;;
  --tail) return ;;
  --profile) return ;;
  --note) return ;;
  --expires) return ;;
  --scopes) return ;;
  --revoke) return ;;
  --every) return ;;
  --for) return ;;
  -c | --container) return ;;
  --url) return ;;
  --token-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  --ca-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  --kubeconfig) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
  --context) _hubctl_names contexts; return ;;
  -n | --namespace) return ;;
  --timeout) return ;;
  esac
  case $verb in
  '') _hubctl_offer get describe logs start stop add delete token top events exec contexts use-context whoami version completion ;;
  get)
    if [[ $word == -* ]]; then _hubctl_offer --output --sort --filter --state --all --watch --url --token-file --ca-file --kubeconfig --context --namespace --timeout --help; return; fi
    if [ "$words" = 1 ]; then _hubctl_offer users servers routes tokens groups pods; return; fi
    case $first in
    users) _hubctl_names users ;;
    servers) _hubctl_names servers ;;
    tokens) _hubctl_names users ;;
    pods) _hubctl_names pods ;;
    esac
    ;;
  describe)
    if [[ $word == -* ]]; then _hubctl_offer --output --url --token-file --ca-file --kubeconfig --context --namespace --timeout --help; return; fi
    if [ "$words" = 1 ]; then _hubctl_offer user server pod; _hubctl_names servers; return; fi
    case $first in
    user) _hubctl_names users ;;
    server) _hubctl_names servers ;;
    pod) _hubctl_names pods ;;
    esac
    ;;
  logs)
    if [[ $word == -* ]]; then _hubctl_offer --follow --tail --container --previous --url --token-file --ca-file --kubeconfig --context --namespace --timeout --help; return; fi
    _hubctl_names servers
    ;;
  start)
    if [[ $word == -* ]]; then _hubctl_offer --profile --wait --url --token-file --ca-file --timeout --help; return; fi
    _hubctl_names users
    ;;
  stop)
    if [[ $word == -* ]]; then _hubctl_offer --no-wait --url --token-file --ca-file --timeout --help; return; fi
    _hubctl_names servers
    ;;
  add)
    if [[ $word == -* ]]; then _hubctl_offer --admin --url --token-file --ca-file --timeout --help; return; fi
    ;;
  delete)
    if [[ $word == -* ]]; then _hubctl_offer --yes --url --token-file --ca-file --timeout --help; return; fi
    _hubctl_names users
    ;;
  token)
    if [[ $word == -* ]]; then _hubctl_offer --output --note --expires --scopes --revoke --url --token-file --ca-file --timeout --help; return; fi
    _hubctl_names users
    ;;
  top)
    if [[ $word == -* ]]; then _hubctl_offer --sort --filter --once --every --url --token-file --ca-file --kubeconfig --context --namespace --timeout --help; return; fi
    if [ "$words" = 1 ]; then _hubctl_offer servers pods; return; fi
    case $first in
    esac
    ;;
  events)
    if [[ $word == -* ]]; then _hubctl_offer --output --sort --filter --all --watch --for --kubeconfig --context --namespace --timeout --help; return; fi
    ;;
  exec)
    if [[ $word == -* ]]; then _hubctl_offer --container --stdin --tty --kubeconfig --context --namespace --timeout --help; return; fi
    _hubctl_names pods
    ;;
  contexts)
    if [[ $word == -* ]]; then _hubctl_offer --output --sort --filter --kubeconfig --timeout --help; return; fi
    ;;
  use-context)
    if [[ $word == -* ]]; then _hubctl_offer --kubeconfig --timeout --help; return; fi
    _hubctl_names contexts
    ;;
  whoami)
    if [[ $word == -* ]]; then _hubctl_offer --output --url --token-file --ca-file --timeout --help; return; fi
    ;;
  version)
    if [[ $word == -* ]]; then _hubctl_offer --output --url --token-file --ca-file --timeout --help; return; fi
    ;;
  completion)
    if [[ $word == -* ]]; then _hubctl_offer --timeout --help; return; fi
    if [ "$words" = 1 ]; then _hubctl_offer bash; return; fi
    case $first in
    esac
    ;;
  esac
}
complete -F _hubctl hubctl

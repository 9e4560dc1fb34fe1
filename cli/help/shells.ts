/**
 * What `rootlet completion SHELL` prints. Each script calls `rootlet completion words` with the words up to the cursor,
 * which prints a candidate a line, a tab and a text after it, and at last `:files`, `:directories` or `:none`.
 */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** Word breaks at `=` and `:` are undone: names and files are one word here. */
const BASH = `# bash completion of rootlet
_rootlet() {
  local words cword cur prefix line
  if declare -F _get_comp_words_by_ref >/dev/null; then
    _get_comp_words_by_ref -n '=:' words cword
  else
    _rootlet_join
  fi
  cur=\${words[cword]}
  COMPREPLY=()
  local -a found
  mapfile -t found < <("\${words[0]}" completion words -- "\${words[@]:1:cword}" 2>/dev/null)
  # bash replaces what is after the last of its word breaks only
  prefix=
  [[ $cur == *[=:]* ]] && prefix=\${cur%"\${cur##*[=:]}"}
  local IFS=$'\\n'
  for line in "\${found[@]}"; do
    case $line in
      :files) compopt -o filenames; COMPREPLY+=($(compgen -f -- "\${cur##*=}")) ;;
      :directories) compopt -o filenames; COMPREPLY+=($(compgen -d -- "\${cur##*=}")) ;;
      :none) ;;
      *)
        line=\${line%%$'\\t'*}
        [[ $line == *= ]] && compopt -o nospace
        COMPREPLY+=("\${line#"$prefix"}")
        ;;
    esac
  done
}
_rootlet_join() {
  local at word joins=
  words=() cword=-1
  for ((at = 0; at <= COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if [[ -n $joins || ( $at -gt 0 && $word == [=:] ) ]] && ((cword > 0)); then
      words[cword]+=$word
    else
      words[++cword]=$word
    fi
    joins=
    [[ $word == [=:] ]] && joins=1
  done
}
complete -F _rootlet rootlet
`;

const ZSH = `#compdef rootlet
# zsh completion of rootlet
_rootlet() {
  local line
  local -a ended open directive
  for line in "\${(@f)$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :*) directive=$line ;;
      *=$'\\t'*) open+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
      ?*) ended+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( \${#ended} )) && _describe -V rootlet ended
  (( \${#open} )) && _describe -V rootlet open -S ''
  compset -P '*='
  case $directive in
    :files) _files ;;
    :directories) _files -/ ;;
  esac
}
if [[ $funcstack[1] == _rootlet ]]; then
  _rootlet "$@"
else
  compdef _rootlet rootlet
fi
`;

const FISH = `# fish completion of rootlet
function __rootlet_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] completion words -- $words[2..-1] 2>/dev/null)
    switch $line
      case ':files'
        __fish_complete_path (commandline -ct)
      case ':directories'
        __fish_complete_directories (commandline -ct)
      case ':none'
      case '*'
        echo $line
    end
  end
end
complete -c rootlet -f -a '(__rootlet_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

export function isShell(word: string): word is Shell {
  return Object.hasOwn(SCRIPTS, word);
}

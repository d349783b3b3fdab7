// heapql completion bash|zsh: scripts made from the same tables that parse the command line.
#include <iostream>

#include "analyzer/commands/commands.h"
#include "analyzer/commands/option_help.h"
#include "analyzer/commands/suggestions.h"

namespace analyzer {
namespace {

/// "--config -c --set …" of a command, the global ones included.
std::string option_words(const Command& command) {
  std::string words;
  boost::program_options::options_description all;
  all.add(command.options()).add(global_options());
  for (const OptionText& option : option_texts(all)) {
    words += (words.empty() ? "--" : " --") + option.long_name;
    if (option.short_name != 0) words += std::string(" -") + option.short_name;
  }
  return words;
}

std::string command_words() {
  std::string words;
  for (const Command* command : all_commands()) words += (words.empty() ? "" : " ") + std::string(command->name);
  return words;
}

std::string bash_script() {
  std::string script =
      "# bash completion of heapql: source <(heapql completion bash)\n"
      "_heapql() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= word\n"
      "  local commands='" +
      command_words() +
      "'\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \" $commands \" in *\" $word \"*) command=$word; break ;; esac\n"
      "  done\n"
      "  case $previous in\n"
      "    --color) COMPREPLY=($(compgen -W 'auto always never' -- \"$current\")); return ;;\n"
      "    --sizes) COMPREPLY=($(compgen -W 'auto mat' -- \"$current\")); return ;;\n"
      "    --weak) COMPREPLY=($(compgen -W 'ignore follow' -- \"$current\")); return ;;\n"
      "    --values) COMPREPLY=($(compgen -W 'auto all none' -- \"$current\")); return ;;\n"
      "    --references) COMPREPLY=($(compgen -W 'auto rows packed none' -- \"$current\")); return ;;\n"
      "  esac\n"
      "  case $command in\n"
      "    completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$current\")); return ;;\n"
      "    help) COMPREPLY=($(compgen -W \"$commands\" -- \"$current\")); return ;;\n"
      "  esac\n"
      "  if [[ $current == -* ]]; then\n"
      "    local options\n"
      "    case $command in\n";
  for (const Command* command : all_commands()) {
    script += "      " + std::string(command->name) + ") options='" + option_words(*command) + "' ;;\n";
  }
  script += "      *) options='" + option_words(*find_command("analyze")) +
            "' ;;\n"
            "    esac\n"
            "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
            "  elif [[ -z $command ]]; then\n"
            "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\") $(compgen -f -- \"$current\"))\n"
            "  else\n"
            "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
            "  fi\n"
            "}\n"
            "complete -o filenames -F _heapql heapql\n";
  return script;
}

/// For a zsh array element in single quotes: `name:description`.
std::string zsh_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == ':' || c == '[' || c == ']' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh_arguments(const Command& command) {
  std::string script = "_arguments -s";
  boost::program_options::options_description all;
  all.add(command.options()).add(global_options());
  for (const OptionText& option : option_texts(all)) {
    const std::string description = '[' + zsh_quoted(option.description) + ']';
    const std::string value = option.value_name.empty() ? "" : ':' + zsh_quoted(option.value_name) + ":_files";
    const std::string equals = option.value_name.empty() ? "" : "=";
    script += " \\\n        '*--" + option.long_name + equals + description + value + '\'';
    if (option.short_name != 0) script += " '*-" + std::string(1, option.short_name) + description + value + '\'';
  }
  return script + " \\\n        '*:file:_files' ;;\n";
}

std::string zsh_script() {
  std::string script =
      "#compdef heapql\n"
      "# zsh completion of heapql: heapql completion zsh > \"${fpath[1]}/_heapql\"\n"
      "_heapql() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const Command* command : all_commands()) {
    script += "    '" + std::string(command->name) + ':' + zsh_quoted(command->summary) + "'\n";
  }
  script +=
      "  )\n"
      "  local command= word\n"
      "  for word in ${words[2,CURRENT-1]}; do\n"
      "    if (( ${commands[(I)$word:*]} )); then command=$word; break; fi\n"
      "  done\n"
      "  if [[ -z $command ]]; then\n"
      "    _alternative 'commands:command:(('\"${(j: :)${(qq)commands}}\"'))' 'files:file:_files'\n"
      "    return\n"
      "  fi\n"
      "  case $command in\n"
      "    completion) _values shell bash zsh ;;\n"
      "    help) _describe command commands ;;\n";
  for (const Command* command : all_commands()) {
    if (command->name == "completion" || command->name == "help") continue;
    script += "    " + std::string(command->name) + ") " + zsh_arguments(*command);
  }
  return script + "  esac\n}\ncompdef _heapql heapql\n";
}

int run_completion(const Invocation& invocation) {
  if (invocation.arguments.size() != 1) throw UsageError("completion needs one shell: bash or zsh");
  const std::string& shell = invocation.arguments.front();
  if (shell == "bash") {
    std::cout << bash_script();
  } else if (shell == "zsh") {
    std::cout << zsh_script();
  } else {
    throw UsageError("no completion for '" + shell + "'" + did_you_mean(shell, {"bash", "zsh"}), "shells: bash, zsh");
  }
  return exit_ok;
}

}  // namespace

const Command completion_command = {"completion",
                                    "print a shell's completion script",
                                    "bash|zsh",
                                    "source <(heapql completion bash)        # in ~/.bashrc\n"
                                    "heapql completion zsh > \"${fpath[1]}/_heapql\"\n",
                                    [] { return boost::program_options::options_description(); },
                                    run_completion};

}  // namespace analyzer

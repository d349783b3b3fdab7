#include "analyzer/commands/line_editor.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#ifdef HEAPQL_LIBEDIT
#include <histedit.h>
#include <sys/stat.h>
#endif

namespace analyzer {

#ifdef HEAPQL_LIBEDIT

struct LineEditor::Terminal {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::string prompt;
  std::string path;
  Complete complete;
  bool cancelled = false;

  static Terminal* of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<Terminal*>(self);
  }

  static char* show_prompt(EditLine* editor) { return of(editor)->prompt.data(); }

  static unsigned char cancel(EditLine* editor, int) {
    of(editor)->cancelled = true;
    std::fputs("^C", stdout);
    return CC_NEWLINE;
  }

  static unsigned char tab(EditLine* editor, int) {
    Terminal& self = *of(editor);
    const LineInfo* info = el_line(editor);
    const std::string line(info->buffer, info->cursor);
    const std::size_t separator = line.find_last_of(" \t(),;=<>+-*/'\"");
    std::size_t word_at = separator == std::string::npos ? 0 : separator + 1;
    // Names of queries have '-' in them.
    if (line.rfind(".query ", 0) == 0 && line.find(' ', 7) == std::string::npos) word_at = 7;
    const std::string word = line.substr(word_at);
    std::vector<std::string> found;
    for (std::string& candidate : self.complete(line, word_at)) {
      if (candidate.compare(0, word.size(), word) == 0) found.push_back(std::move(candidate));
    }
    if (found.empty()) return CC_REFRESH_BEEP;
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    const std::string& first = found.front();
    const std::string& last = found.back();
    const auto common = static_cast<std::size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(std::min(first.size(), last.size())),
                      last.begin())
            .first -
        first.begin());
    std::string more = first.substr(word.size(), common - word.size());
    if (found.size() == 1) more += ' ';
    if (!more.empty()) {
      el_insertstr(editor, more.c_str());
      return CC_REFRESH;
    }
    std::fputc('\n', stdout);
    for (const std::string& candidate : found) std::fprintf(stdout, "%s  ", candidate.c_str());
    std::fputc('\n', stdout);
    return CC_REDISPLAY;
  }
};

LineEditor::LineEditor(std::string history_file, Complete complete) : interactive_(isatty(0) == 1 && isatty(1) == 1) {
  if (!interactive_) return;
  terminal_ = std::make_unique<Terminal>();
  terminal_->path = std::move(history_file);
  terminal_->complete = std::move(complete);
  terminal_->history = history_init();
  HistEvent event{};
  history(terminal_->history, &event, H_SETSIZE, 2000);
  history(terminal_->history, &event, H_SETUNIQUE, 1);
  if (!terminal_->path.empty()) history(terminal_->history, &event, H_LOAD, terminal_->path.c_str());
  EditLine* editor = el_init("heapql", stdin, stdout, stderr);
  terminal_->editor = editor;
  el_set(editor, EL_CLIENTDATA, terminal_.get());
  el_set(editor, EL_PROMPT, &Terminal::show_prompt);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, history, terminal_->history);
  el_set(editor, EL_ADDFN, "heapql-complete", "complete a name", &Terminal::tab);
  el_set(editor, EL_BIND, "^I", "heapql-complete", nullptr);
  // While editing, Ctrl-C is a key: it drops the line. While a query runs it is the signal.
  el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
  el_set(editor, EL_ADDFN, "heapql-cancel", "drop the line", &Terminal::cancel);
  el_set(editor, EL_BIND, "^C", "heapql-cancel", nullptr);
  el_source(editor, nullptr);  // ~/.editrc
}

LineEditor::~LineEditor() {
  if (!terminal_) return;
  HistEvent event{};
  if (!terminal_->path.empty()) {
    const mode_t former = umask(077);  // queries may quote what is in the heap
    history(terminal_->history, &event, H_SAVE, terminal_->path.c_str());
    umask(former);
  }
  el_end(terminal_->editor);
  history_end(terminal_->history);
}

LineEditor::Event LineEditor::read(const std::string& prompt, std::string& line) {
  line.clear();
  if (!terminal_) return std::getline(std::cin, line) ? Event::line : Event::end;
  terminal_->prompt = prompt;
  terminal_->cancelled = false;
  int length = 0;
  const char* text = el_gets(terminal_->editor, &length);
  if (terminal_->cancelled) return Event::cancelled;
  if (text == nullptr || length <= 0) return Event::end;
  line.assign(text, static_cast<std::size_t>(length));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return Event::line;
}

void LineEditor::remember(const std::string& entry) {
  if (!terminal_ || entry.empty()) return;
  HistEvent event{};
  history(terminal_->history, &event, H_ENTER, entry.c_str());
}

#else  // built without libedit

struct LineEditor::Terminal {};

LineEditor::LineEditor(std::string, Complete) : interactive_(isatty(0) == 1 && isatty(1) == 1) {}
LineEditor::~LineEditor() = default;

LineEditor::Event LineEditor::read(const std::string& prompt, std::string& line) {
  if (interactive_) std::cout << prompt << std::flush;
  return std::getline(std::cin, line) ? Event::line : Event::end;
}

void LineEditor::remember(const std::string&) {}

#endif

std::string history_path() {
  namespace fs = std::filesystem;
  fs::path folder;
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  if (state != nullptr && *state == '/') {
    folder = state;
  } else if (home != nullptr && *home == '/') {
    folder = fs::path(home) / ".local" / "state";
  } else {
    return {};
  }
  std::error_code error;
  fs::create_directories(folder / "heapql", error);
  return error ? std::string{} : (folder / "heapql" / "history").string();
}

}  // namespace analyzer

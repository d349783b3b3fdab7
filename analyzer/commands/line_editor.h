// One line of input at a time: libedit with history and completion on a terminal, plain lines otherwise.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace analyzer {

class LineEditor {
 public:
  /// Words that may follow; asked at each Tab with the whole line and the position where the word begins.
  using Complete = std::function<std::vector<std::string>(const std::string& line, std::size_t word_at)>;

  /// `history_path` is read now and written by the destructor; empty = none.
  LineEditor(std::string history_path, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  [[nodiscard]] bool interactive() const { return interactive_; }
  enum class Event : std::uint8_t { line, cancelled, end };
  /// The next line without its end. `cancelled` = Ctrl-C; `end` = Ctrl-D or end of file.
  Event read(const std::string& prompt, std::string& line);
  void remember(const std::string& entry);

 private:
  struct Terminal;
  bool interactive_ = false;
  std::unique_ptr<Terminal> terminal_;
};

/// $XDG_STATE_HOME/heapql/history or ~/.local/state/heapql/history, its folder made; "" when there is no home.
[[nodiscard]] std::string history_path();

}  // namespace analyzer

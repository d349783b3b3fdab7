// What the program needs to know about where its output goes: a terminal or not, how wide, with colours or not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "analyzer/commands/command.h"

namespace analyzer {

enum class Stream : int { output = 1, error = 2 };

[[nodiscard]] bool is_terminal(Stream stream);
/// Columns of the terminal behind the stream, $COLUMNS, or `otherwise`.
[[nodiscard]] std::size_t terminal_width(Stream stream, std::size_t otherwise = 80);
/// --color decides; `auto` = a terminal, NO_COLOR unset or empty, TERM not "dumb".
[[nodiscard]] bool wants_color(ColorMode mode, Stream stream);

/// Control characters, also C1 as UTF-8, become visible \xNN: text of a dump must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// SGR styles; each is "" when colours are off.
struct Style {
  explicit Style(bool enabled);
  std::string_view bold, red, yellow, green, dim, reset;
};

/// "heapql: warning: …" and "heapql: …" on stderr, sanitised; `note` says nothing with --quiet.
void print_warning(const GlobalOptions& global, std::string_view text);
void print_note(const GlobalOptions& global, std::string_view text);

}  // namespace analyzer

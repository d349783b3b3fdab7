#include "analyzer/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace analyzer {

bool is_terminal(Stream stream) { return isatty(static_cast<int>(stream)) == 1; }

std::size_t terminal_width(Stream stream, std::size_t otherwise) {
  winsize size{};
  if (ioctl(static_cast<int>(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  if (const char* columns = std::getenv("COLUMNS")) {
    const unsigned long value = std::strtoul(columns, nullptr, 10);
    if (value >= 20 && value <= 1000) return value;
  }
  return otherwise;
}

bool wants_color(ColorMode mode, Stream stream) {
  if (mode != ColorMode::automatic) return mode == ColorMode::always;
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  if (term != nullptr && std::string_view(term) == "dumb") return false;
  return is_terminal(stream);
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  result.reserve(text.size());
  const auto escape = [&](unsigned char byte) {
    result += "\\x";
    result += digits[byte >> 4];
    result += digits[byte & 15];
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 … U+009F are C2 80 … C2 9F: some terminals obey them as they obey ESC.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xE0) == 0x80;
    if (c1) {
      escape(byte);
      escape(static_cast<unsigned char>(text[++i]));
    } else if (byte < 0x20 || byte == 0x7F) {
      escape(byte);
    } else {
      result += text[i];
    }
  }
  return result;
}

Style::Style(bool enabled) {
  if (!enabled) return;
  bold = "\x1b[1m";
  red = "\x1b[1;31m";
  yellow = "\x1b[1;33m";
  green = "\x1b[32m";
  dim = "\x1b[2m";
  reset = "\x1b[0m";
}

void print_warning(const GlobalOptions& global, std::string_view text) {
  const Style style(wants_color(global.color, Stream::error));
  std::cerr << "heapql: " << style.yellow << "warning:" << style.reset << ' ' << printable(text) << '\n';
}

void print_note(const GlobalOptions& global, std::string_view text) {
  if (!global.quiet) std::cerr << "heapql: " << printable(text) << '\n';
}

}  // namespace analyzer

#include "formats/sanitizer.h"

#include <algorithm>

#include "formats/text_lines.h"

namespace formats::sanitizer {
namespace {

/// The line without "ESC[…m"; `scratch` holds it where there are any.
std::string_view without_colours(std::string_view line, std::string& scratch) {
  if (line.find('\x1b') == std::string_view::npos) return line;
  scratch.clear();
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\x1b' && at + 1 < line.size() && line[at + 1] == '[') {
      const std::size_t end = line.find_first_not_of("0123456789;", at + 2);
      if (end != std::string_view::npos && line[end] == 'm') {
        at = end;
        continue;
      }
    }
    scratch += line[at];
  }
  return scratch;
}

/// Behind "==PID==" or "==NAME==PID==": the rest, and the id.
std::optional<std::pair<std::uint64_t, std::string_view>> parse_banner(std::string_view line) {
  constexpr std::string_view error = "==ERROR: ";
  const std::size_t at = line.find(error);
  if (!line.starts_with("==") || at == std::string_view::npos || at < 3) return std::nullopt;
  const std::size_t before = line.rfind("==", at - 1);
  if (before == std::string_view::npos || before + 2 > at) return std::nullopt;
  const auto id = parse_number<std::uint64_t>(line.substr(before + 2, at - before - 2));
  const std::string_view rest = line.substr(at + error.size());
  if (!id || rest.find("Sanitizer: ") == std::string_view::npos) return std::nullopt;
  return std::pair{*id, rest};
}

std::optional<std::uint64_t> take_count(std::string_view& text) { return parse_number<std::uint64_t>(take_word(text)); }

bool take_words(std::string_view& text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (take_word(text) != word) return false;
  }
  return true;
}

/// "Direct leak of 10000 byte(s) in 50 object(s) allocated from:".
std::optional<Leak> parse_leak(std::string_view text) {
  Leak leak;
  const std::string_view kind = take_word(text);
  if (kind != "Direct" && kind != "Indirect") return std::nullopt;
  leak.is_direct = kind == "Direct";
  if (!take_words(text, {"leak", "of"})) return std::nullopt;
  const auto bytes = take_count(text);
  if (!bytes || !take_words(text, {"byte(s)", "in"})) return std::nullopt;
  const auto objects = take_count(text);
  if (!objects || !take_words(text, {"object(s)", "allocated", "from:"})) return std::nullopt;
  leak.bytes = *bytes;
  leak.objects = *objects;
  return leak;
}

/// "SUMMARY: AddressSanitizer: 10000 byte(s) leaked in 50 allocation(s)." → bytes and allocations, if it is of leaks.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_summary(std::string_view text) {
  take_word(text);
  take_word(text);
  const auto bytes = take_count(text);
  if (!bytes || !take_words(text, {"byte(s)", "leaked", "in"})) return std::nullopt;
  const auto allocations = take_count(text);
  if (!allocations) return std::nullopt;
  return std::pair{*bytes, *allocations};
}

/// "0x611000000540 (200 bytes)".
std::optional<LeakedObject> parse_object(std::string_view text) {
  const std::string_view address_text = take_word(text);
  const std::string_view size_text = take_word(text);
  if (!address_text.starts_with("0x") || !size_text.starts_with('(') || text != " bytes)") return std::nullopt;
  const auto address = parse_number<std::uint64_t>(address_text.substr(2), 16);
  const auto size = parse_number<std::uint64_t>(size_text.substr(1));
  if (!address || !size) return std::nullopt;
  return LeakedObject{*address, *size};
}

/// "a.cc:15" or "a.cc:15:61".
bool read_place(std::string_view text, Frame& frame) {
  std::optional<std::int32_t> line;
  for (int numbers = 0; numbers < 2; ++numbers) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) break;
    const auto number = parse_number<std::int32_t>(text.substr(colon + 1));
    if (!number || *number < 0) break;
    line = number;
    text = text.substr(0, colon);
  }
  if (!line) return false;
  frame.file = text;
  frame.line = *line;
  return true;
}

class Reader {
 public:
  Reader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}

  Report read() {
    std::string scratch;
    while (lines_.next()) {
      const std::string_view line = without_colours(lines_.line(), scratch);
      if (const auto banner = parse_banner(line)) {
        begin_run(*banner);
      } else if (is_table_) {
        read_suppression(line);
      } else if (line.starts_with("Suppressions used:")) {
        is_table_ = true;
        end_leak();
      } else if (is_open()) {
        read_line(line);
      }
    }
    end_run();
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool is_open() const { return !report_.runs.empty() && !report_.runs.back().has_summary; }

  void begin_run(const std::pair<std::uint64_t, std::string_view>& banner) {
    end_run();
    const std::size_t colon = banner.second.find(": ");
    report_.runs.push_back(
        {banner.first, std::string(banner.second.substr(0, colon)), std::string(banner.second.substr(colon + 2))});
    is_table_ = false;
  }

  void read_line(std::string_view line) {
    if (line.starts_with("SUMMARY: ")) {
      end_leak();
      report_.runs.back().summed_leaks = parse_summary(line);
      report_.runs.back().has_summary = lines_.is_whole();
      return;
    }
    const std::string_view trimmed = trim(line);
    if (trimmed.empty()) {
      in_stack_ = false;
      return;
    }
    if (auto leak = parse_leak(trimmed)) {
      end_leak();
      leak_ = std::move(*leak);
      in_stack_ = true;
      return;
    }
    if (!leak_ || !lines_.is_whole()) return;  // stacks of other errors
    if (in_stack_ && trimmed.starts_with('#')) {
      if (auto frame = parse_frame(trimmed)) {
        leak_->stack.push_back(std::move(*frame));
      } else {
        damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), "a frame that cannot be read");
      }
    } else if (const auto object = parse_object(line)) {
      leak_->leaked_objects.push_back(*object);
    }
  }

  void end_leak() {
    if (leak_ && !report_.runs.empty()) report_.runs.back().leaks.push_back(std::move(*leak_));
    leak_.reset();
    in_stack_ = false;
  }

  void end_run() {
    if (!is_open()) return;
    end_leak();
    damage_.add(lines_.next_offset(), 0, "a report without its summary breaks off");
  }

  /// "     50      10000 leak_lost", until the rule of dashes.
  void read_suppression(std::string_view line) {
    if (line.starts_with("---") || line.starts_with("SUMMARY: ")) {
      is_table_ = false;
      if (line.starts_with("SUMMARY: ") && is_open()) read_line(line);
      return;
    }
    const auto count = take_count(line);
    const auto bytes = count ? take_count(line) : std::nullopt;
    const std::string_view pattern = trim(line);
    if (!bytes || pattern.empty() || !lines_.is_whole()) return;  // the table's head
    report_.suppressions.push_back({std::string(pattern), *count, *bytes});
  }

  TextLines lines_;
  DamageLog& damage_;
  Report report_;
  std::optional<Leak> leak_;
  bool in_stack_ = false;
  bool is_table_ = false;
};

}  // namespace

std::optional<Frame> parse_frame(std::string_view text) {
  text = trim(text);
  const std::string_view number = take_word(text);
  if (!number.starts_with('#') || !parse_number<std::uint32_t>(number.substr(1))) return std::nullopt;
  const std::string_view address = take_word(text);
  if (!address.starts_with("0x") || !parse_number<std::uint64_t>(address.substr(2), 16)) return std::nullopt;
  Frame frame;
  frame.address = address;
  text = trim(text);
  constexpr std::string_view build_mark = " (BuildId: ";
  if (const std::size_t build = text.rfind(build_mark); build != std::string_view::npos) {
    frame.build_id = trim(text.substr(build + build_mark.size(), text.find(')', build) - build - build_mark.size()));
    text = text.substr(0, build);
  }
  const bool has_name = text.starts_with("in ");
  if (has_name) text = trim(text.substr(3));
  if (text.ends_with(')')) {  // (module+0xoffset)
    const std::size_t open = text.starts_with('(') ? 0 : text.rfind(" (/");
    const std::size_t plus = text.rfind("+0x");
    if (open != std::string_view::npos && plus != std::string_view::npos && plus > open) {
      const std::size_t from = open == 0 && text.starts_with('(') ? 1 : open + 2;
      frame.module = text.substr(from, plus - from);
      frame.offset = text.substr(plus + 1, text.size() - plus - 2);
      frame.function = has_name ? trim(text.substr(0, open)) : std::string_view();
      return frame;
    }
  }
  std::size_t place = text.find(" /");
  if (place == std::string_view::npos) place = text.rfind(' ');
  if (place != std::string_view::npos && read_place(text.substr(place + 1), frame)) text = trim(text.substr(0, place));
  if (has_name) frame.function = text;
  return frame;
}

bool looks_like(Bytes head) {
  TextLines lines(head);
  std::string scratch;
  while (lines.next()) {
    const std::string_view line = without_colours(lines.line(), scratch);
    if (parse_banner(line) || line.starts_with("Suppressions used:")) return true;
  }
  return false;
}

Report read_report(Bytes bytes, DamageLog& damage) { return Reader(bytes, damage).read(); }

}  // namespace formats::sanitizer

#include "formats/perf_script.h"

#include <algorithm>
#include <array>

#include "formats/perf_data_source.h"
#include "formats/perf_text.h"

namespace formats::perf_script {
namespace {

/// Where the decoded text of data_src begins: "|OP LOAD|LVL L1 hit|…", or with perfs that leave out what is before it
/// "L1 miss|SNP N/A|…".
std::size_t find_source_text(std::string_view line) {
  const std::size_t at = line.find("|OP ");
  return at != std::string_view::npos ? at : line.find("|SNP ");
}

std::optional<std::uint64_t> parse_hex(std::string_view text) { return parse_number<std::uint64_t>(text, 16); }

std::string_view last_word(std::string_view text) {
  text = trim(text);
  const std::size_t blank = text.find_last_of(" \t");
  return blank == std::string_view::npos ? text : text.substr(blank + 1);
}

std::string_view without_last_word(std::string_view text) {
  const std::string_view word = last_word(text);
  return trim(text.substr(0, static_cast<std::size_t>(word.data() - text.data())));
}

/// "344.632652:".
bool is_time(std::string_view word) {
  if (!word.ends_with(':')) return false;
  word.remove_suffix(1);
  const std::size_t point = word.find('.');
  return point != 0 && point != std::string_view::npos &&
         word.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// "my app  5412/5415 [000]": what stands before the time.
void read_thread(std::string_view text, MemoryAccess& access) {
  if (last_word(text).starts_with('[')) {
    access.cpu_count = 1;
    text = without_last_word(text);
  }
  const std::string_view ids = last_word(text);
  const std::size_t slash = ids.find('/');
  const auto thread = parse_number<std::int64_t>(slash == std::string_view::npos ? ids : ids.substr(slash + 1));
  if (!thread) return;
  access.thread_id = *thread;
  if (slash != std::string_view::npos)
    access.process_id = parse_number<std::int64_t>(ids.substr(0, slash)).value_or(-1);
  access.thread_name = without_last_word(text);
}

/// Cuts everything before the address off: who, when, the event. False: there is neither time nor event.
bool take_event(std::string_view& text, MemoryAccess& access) {
  std::string_view rest = text;
  bool has_event = false, has_time = false;
  while (!has_event) {
    const std::string_view word = take_word(rest);
    if (word.empty()) break;
    const std::string_view before = text.substr(0, static_cast<std::size_t>(word.data() - text.data()));
    if (!has_time && is_time(word)) {
      has_time = true;
      read_thread(before, access);
      text = rest;
    } else if (word.ends_with(':')) {
      has_event = true;
      access.event = word.substr(0, word.size() - 1);
      text = rest;
    }
  }
  return has_event || has_time;
}

/// "55c8971f0080" or "55c8971f0080 counters+0x8 (/app)", what stands before data_src.
void read_address(std::string_view text, MemoryAccess& access) {
  const auto address = parse_hex(take_word(text));
  if (!address) return;
  if (*address != 0) access.address = address;  // 0: the processor gave none
  const std::size_t close = text.rfind(')');
  const std::size_t open = text.substr(0, close).rfind('(');
  if (close == std::string_view::npos || open == std::string_view::npos) return;
  access.variable = perf_text::known(trim(text.substr(0, open)));
  access.variable_module = perf_text::known(text.substr(open + 1, close - open - 1));
}

/// Behind the text of data_src: "|OP LOAD|…|BLK  N/A  601  0  56341cfcf181 f+0x18 (/app)" → "601  0  …". The text may
/// be cut anywhere.
std::string_view behind_source_text(std::string_view text) {
  for (std::size_t bar = 0; bar != std::string_view::npos; bar = text.find('|', 1)) {
    const bool is_part = bar + 1 == text.size() || (text[bar + 1] >= 'A' && text[bar + 1] <= 'Z');
    if (!is_part) break;  // of a name: "operator|="
    text.remove_prefix(bar);
  }
  while (!text.empty()) {
    std::string_view rest = text;
    const std::string_view word = take_word(rest);
    const bool is_decimal = !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
    if (is_decimal || (word.size() >= 8 && parse_hex(word))) break;  // "AFF" is a number too, but a word of the text
    text = rest;
  }
  return text;
}

/// "601  0  0  56341cfcf181 f+0x18 (/app)": the weight, latencies that not every perf prints, the place of the code.
/// What is there is told by its neighbours: the last number before a name is the code address, the first one the
/// weight, if it is another.
void read_weight_and_place(std::string_view text, std::optional<std::uint64_t>& weight, MemoryAccess& access) {
  std::array<std::string_view, 5> numbers;
  std::array<std::string_view, 5> behind;
  std::size_t count = 0;
  for (std::string_view rest = text; count < numbers.size(); ++count) {
    const std::string_view word = take_word(rest);
    if (!parse_hex(word)) break;
    numbers[count] = word;
    behind[count] = rest;
  }
  if (count == 0) return;
  constexpr std::size_t sure_address = 8;  // digits: no weight and no latency has as many
  // "7fad7c47425d add (/app)": a name of hexadecimal digits. Addresses are padded to more.
  if (count > 1 && trim(behind[count - 1]).starts_with('(') && numbers[count - 1].size() < sure_address &&
      numbers[count - 2].size() >= sure_address)
    --count;
  const std::size_t last = count - 1;
  const bool has_place = !trim(behind[last]).empty();
  const bool has_code = has_place || numbers[last].size() >= sure_address;
  if (has_code) access.code_address = parse_hex(numbers[last]);
  if (last > 0 || !has_code) weight = parse_number<std::uint64_t>(numbers[0]);
  if (!has_place) return;
  const perf_text::Place place = perf_text::parse_place(trim(behind[last]));
  access.function = place.name;
  access.module = place.module;
}

}  // namespace

bool looks_like(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    if (parse_sample(lines.line())) return true;
  }
  return false;
}

std::optional<MemoryAccess> parse_sample(std::string_view line) {
  const std::size_t source_text = find_source_text(line);
  if (source_text == std::string_view::npos) return std::nullopt;
  MemoryAccess access;
  std::string_view before = line.substr(0, source_text);
  const std::string_view text = line.substr(source_text);
  const bool has_event = take_event(before, access);
  std::string_view level;
  if (text.starts_with("|OP ")) {
    if (const std::size_t at = text.find("|LVL "); at != std::string_view::npos)
      level = text.substr(at + 5, text.find('|', at + 1) - at - 5);
  } else {  // "55c8971f0080 88000182 L1 miss": the level is behind the second number, or the first
    std::string_view rest = before;
    std::size_t numbers = 0;
    while (numbers < 2) {
      std::string_view behind = rest;
      if (!parse_hex(take_word(behind))) break;
      rest = behind;
      ++numbers;
    }
    if (numbers == 0) return std::nullopt;
    level = rest;
    before = before.substr(0, before.size() - rest.size());
  }
  const auto word = parse_hex(last_word(before));
  if (!word) return std::nullopt;
  if (has_event) read_address(without_last_word(before), access);
  access.memory_level = perf_text::known(trim(level));
  std::optional<std::uint64_t> weight;
  read_weight_and_place(behind_source_text(text), weight, access);
  count_sample(decode_data_source(*word), weight.value_or(0), access);
  return access;
}

std::optional<MemoryAccess> Reader::next() {
  while (lines_.next()) {
    const std::string_view line = lines_.line();
    const std::uint64_t offset = lines_.offset();
    const std::uint64_t bytes = lines_.next_offset() - offset;
    if (!lines_.is_whole()) {
      if (!trim(line).empty()) damage_.add(offset, bytes, "the text breaks off");
    } else if (auto access = parse_sample(line)) {
      access->offset = offset;
      if (!access->code_address) read_innermost_frame(*access);
      return access;
    } else if (find_source_text(line) != std::string_view::npos) {
      damage_.add(offset, bytes, "a sample that cannot be read");
    }
  }
  return std::nullopt;
}

/// "\t  1181 serve+0x18 (/app)".
void Reader::read_innermost_frame(MemoryAccess& access) {
  if (!lines_.next()) return;
  std::string_view line = lines_.line();
  if (!line.starts_with('\t') || !lines_.is_whole() || !parse_hex(take_word(line))) {
    lines_.seek(lines_.offset());
    return;
  }
  const perf_text::Place place = perf_text::parse_place(trim(line));
  access.function = place.name;
  access.module = place.module;
}

}  // namespace formats::perf_script

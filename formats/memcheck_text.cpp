// Memcheck's report as text: what is read of each line "==PID== …". Lines of the program's own output lie between.
#include <array>

#include "formats/memcheck.h"
#include "formats/memcheck_report.h"
#include "formats/text_lines.h"
#include "formats/valgrind_frame.h"

namespace formats::memcheck {
namespace {

/// "==14675== text", "--14675-- text", with --time-stamp "==00:00:00:01.234 14675== text".
struct ReportLine {
  std::uint64_t process_id = 0;
  std::string_view text;  ///< behind one blank
};
std::optional<ReportLine> parse_line(std::string_view line) {
  const std::string_view mark = line.substr(0, 2);
  if (mark != "==" && mark != "--") return std::nullopt;
  const std::size_t end = line.find(mark, 2);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view head = line.substr(2, end - 2);
  if (const std::size_t blank = head.rfind(' '); blank != std::string_view::npos) head.remove_prefix(blank + 1);
  const auto id = parse_number<std::uint64_t>(head);
  if (!id) return std::nullopt;
  std::string_view text = line.substr(end + 2);
  if (text.starts_with(' ')) text.remove_prefix(1);
  return ReportLine{*id, text};
}

/// "10,000 bytes in 50 blocks".
std::optional<Sum> parse_sum(std::string_view text) {
  const auto bytes = parse_grouped(take_word(text));
  if (take_word(text) != "bytes" || take_word(text) != "in") return std::nullopt;
  const auto blocks = parse_grouped(take_word(text));
  if (!bytes || !blocks) return std::nullopt;
  return Sum{*bytes, *blocks};
}

std::optional<std::string_view> behind(std::string_view text, std::string_view key) {
  if (!text.starts_with(key)) return std::nullopt;
  return trim(text.substr(key.size()));
}

class TextReader {
 public:
  TextReader(Bytes bytes, DamageLog& damage) : lines_(bytes), damage_(damage) {}

  Report read() {
    while (lines_.next()) {
      const auto line = parse_line(lines_.line());
      if (!line) continue;
      if (!lines_.is_whole()) {
        damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), "the report breaks off");
        break;
      }
      read_line(*line);
    }
    end_loss();
    return builder_.take();
  }

 private:
  void read_line(const ReportLine& line) {
    const std::string_view trimmed = trim(line.text);
    const bool is_frame = trimmed.starts_with("at 0x") || trimmed.starts_with("by 0x");
    if (line.process_id != open_id_ || !is_frame) end_loss();
    if (is_frame) return read_frame(line, trimmed);
    if (auto loss = parse_loss(trimmed)) {
      open_id_ = line.process_id;
      loss_ = std::move(*loss);
      is_in_loss_ = true;
      heading_ = {};
      return;
    }
    // An error begins with a line that is not indented; "Address 0x… is …" and its stack belong to it.
    heading_ = line.text.starts_with(' ') ? std::string_view() : trimmed;
    heading_id_ = line.process_id;
    read_fact(line.process_id, trimmed);
  }

  void read_frame(const ReportLine& line, std::string_view trimmed) {
    const auto parsed = parse_valgrind_frame(trimmed.substr(3));
    if (is_in_loss_ && parsed) {
      loss_.stack.push_back({std::string(parsed->address), std::string(parsed->function), std::string(parsed->file),
                             parsed->line, std::string(parsed->module)});
    } else if (!heading_.empty() && heading_id_ == line.process_id) {
      // Sizes and numbers are left out of the kind: "Invalid read of size 4".
      formats::memcheck::ReportBuilder::add_error(builder_.process(line.process_id), heading_);
      heading_ = {};
    } else if (is_in_loss_) {
      damage_.add(lines_.offset(), lines_.next_offset() - lines_.offset(), "a frame that cannot be read");
    }
  }

  void end_loss() {
    if (!is_in_loss_) return;
    formats::memcheck::ReportBuilder::add_loss(builder_.process(open_id_), std::exchange(loss_, {}));
    is_in_loss_ = false;
  }

  void read_fact(std::uint64_t id, std::string_view text) {
    struct LeakSum {
      std::string_view key;
      LossKind kind;
    };
    static constexpr LeakSum leak_sums[] = {{"definitely lost:", LossKind::definite},
                                            {"indirectly lost:", LossKind::indirect},
                                            {"possibly lost:", LossKind::possible},
                                            {"still reachable:", LossKind::reachable}};
    for (const LeakSum& row : leak_sums) {
      if (const auto rest = behind(text, row.key)) {
        builder_.process(id).sums[static_cast<std::size_t>(row.kind)] = parse_sum(*rest);
      }
    }
    if (const auto rest = behind(text, "Command:")) builder_.process(id).command = *rest;
    if (const auto rest = behind(text, "in use at exit:")) builder_.process(id).in_use = parse_sum(*rest);
    if (const auto rest = behind(text, "total heap usage:")) read_usage(builder_.process(id), *rest);
    if (const auto rest = behind(text, "suppressed:")) builder_.process(id).suppressed = parse_sum(*rest);
    if (const auto rest = behind(text, "used_suppression:")) read_suppression(builder_.process(id), *rest);
    if (text.starts_with("All heap blocks were freed")) builder_.process(id).finds_no_leaks = true;
    if (text.starts_with("LEAK SUMMARY:")) begin_sums(builder_.process(id));
    if (text.starts_with("Memcheck, ")) (void)builder_.process(id);
    if (text.starts_with("ERROR SUMMARY:")) builder_.process(id).is_finished = true;
  }

  /// A later leak search replaces the sums of the one before it.
  static void begin_sums(Process& process) {
    for (auto& sum : process.sums) sum.reset();
    process.suppressed.reset();
  }

  /// "142,513 allocs, 139,326 frees, 52,281,507 bytes allocated".
  static void read_usage(Process& process, std::string_view text) {
    const auto allocations = parse_grouped(take_word(text));
    take_word(text);
    take_word(text);
    take_word(text);
    const auto bytes = parse_grouped(take_word(text));
    if (!allocations || !bytes) return;
    process.allocation_count = allocations;
    process.allocated_bytes = bytes;
  }

  /// "2 dl-hack3-cond-1 /usr/lib/default.supp:1281 suppressed: 1,234 bytes in 2 blocks".
  static void read_suppression(Process& process, std::string_view text) {
    Suppression row;
    const std::size_t sum = text.find(" suppressed: ");
    if (sum != std::string_view::npos) row.leaked = parse_sum(text.substr(sum + 13));
    text = text.substr(0, sum);
    const auto count = parse_grouped(take_word(text));
    row.name = take_word(text);
    if (!count || row.name.empty()) return;
    row.count = *count;
    process.suppressions.push_back(std::move(row));
  }

  TextLines lines_;
  DamageLog& damage_;
  ReportBuilder builder_;
  bool is_in_loss_ = false;
  Loss loss_;  // whose stack is being read
  std::uint64_t open_id_ = 0;
  std::string_view heading_;
  std::uint64_t heading_id_ = 0;
};

}  // namespace

bool looks_like_text(Bytes head) {
  TextLines lines(head);
  while (lines.next()) {
    const auto line = parse_line(lines.line());
    if (line && line->text.starts_with("Memcheck, a memory error detector")) return true;
  }
  return false;
}

Report read_text(Bytes bytes, DamageLog& damage) { return TextReader(bytes, damage).read(); }

}  // namespace formats::memcheck

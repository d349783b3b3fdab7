// Memcheck's report as XML, read element by element: an error counts when it is closed.
#include <algorithm>
#include <string>

#include "formats/memcheck.h"
#include "formats/memcheck_report.h"
#include "formats/text_lines.h"
#include "formats/xml_reader.h"

namespace formats::memcheck {
namespace {

class XmlReport {
 public:
  XmlReport(Bytes bytes, DamageLog& damage) : xml_(bytes), damage_(damage) {}

  Report read() {
    while (xml_.next()) {
      switch (xml_.token()) {
        case XmlToken::open_tag: open(xml_.name()); break;
        case XmlToken::text: text(xml_.text()); break;
        case XmlToken::close_tag: close(xml_.name()); break;
        case XmlToken::end: break;
      }
    }
    if (depth_ != 0 || xml_.is_cut()) {
      damage_.add(in_error_ ? error_offset_ : xml_.offset(), in_error_ ? xml_.next_offset() - error_offset_ : 0,
                  "the report breaks off");
    }
    return builder_.take();
  }

 private:
  void open(std::string_view name) {
    ++depth_;
    element_ = name;
    text_.clear();
    if (name == "valgrindoutput") {
      process_id_ = 0;
      depth_ = 1;
      in_error_ = false;
      shows_lost_ = true;
      tells_reachable_ = false;
      command_.clear();
    } else if (name == "error") {
      if (in_error_) damage_.add(error_offset_, xml_.offset() - error_offset_, "an error without its end");
      in_error_ = true;
      error_offset_ = xml_.offset();
      error_ = {};
    } else if (name == "stack") {
      ++error_.stacks;
    } else if (name == "frame" && error_.stacks == 1) {
      error_.stack.emplace_back();
      directory_.clear();
    } else if (name == "pair") {
      pair_ = {};
    } else if (name == "vargv" || name == "argv") {
      in_own_options_ = name == "vargv";
      command_.clear();
    }
  }

  void text(std::string_view value) { text_ = unescape_xml(value); }

  void close(std::string_view name) {
    if (depth_ > 0) --depth_;
    if (name == "error") {
      end_error();
    } else if (name == "pair") {
      if (!pair_.name.empty() && process_id_ != 0) process().suppressions.push_back(pair_);
    } else if (name == element_) {
      field(name);
    }
    if (name == "valgrindoutput" && process_id_ != 0) {
      Process& ended = process();
      ended.finds_no_leaks = ended.losses.empty() && shows_lost_;  // with --xml=yes memcheck always looks
      ended.is_finished = true;
    }
    element_ = {};
    text_.clear();
  }

  Process& process() {
    Process& found = builder_.process(process_id_);
    found.tells_reachable = tells_reachable_;
    return found;
  }

  void field(std::string_view name) {
    if (name == "pid" && process_id_ == 0) {
      process_id_ = parse_number<std::uint64_t>(text_).value_or(0);
      if (process_id_ != 0) (void)process();
    } else if ((name == "exe" || name == "arg") && process_id_ != 0) {
      // <vargv> (Valgrind's own) comes first; <argv> begins anew.
      if (in_own_options_) own_option(text_);
      command_ += (command_.empty() ? "" : " ") + text_;
      process().command = command_;
    } else if (name == "count") {
      pair_.count = parse_number<std::uint64_t>(text_).value_or(0);
    } else if (name == "name") {
      pair_.name = text_;
    } else if (in_error_) {
      error_field(name);
    }
  }

  /// Which kinds of leaks it shows; by default what is lost definitely and possibly.
  void own_option(std::string_view option) {
    constexpr std::string_view kinds = "--show-leak-kinds=";
    if (option == "--show-reachable=yes") tells_reachable_ = true;
    if (!option.starts_with(kinds)) return;
    option.remove_prefix(kinds.size());
    tells_reachable_ = option == "all";
    shows_lost_ = option == "all" || option.find("definite") != std::string_view::npos;
  }

  void error_field(std::string_view name) {
    if (name == "kind") error_.kind = text_;
    if (name == "text" && error_.text.empty()) error_.text = text_;
    if (name == "leakedbytes") error_.bytes = parse_number<std::uint64_t>(text_);
    if (name == "leakedblocks") error_.blocks = parse_number<std::uint64_t>(text_);
    if (error_.stack.empty() || error_.stacks != 1) return;
    Frame& frame = error_.stack.back();
    if (name == "ip") frame.address = text_;
    if (name == "obj") frame.module = text_;
    if (name == "fn") frame.function = text_;
    if (name == "dir") directory_ = text_;
    if (name == "file") frame.file = directory_.empty() ? text_ : directory_ + "/" + text_;
    if (name == "line") frame.line = parse_number<std::int32_t>(text_).value_or(0);
  }

  void end_error() {
    if (!in_error_) return;
    in_error_ = false;
    if (process_id_ == 0 || error_.kind.empty()) return reject("an error without process or kind");
    if (!error_.kind.starts_with("Leak_")) return ReportBuilder::add_error(process(), error_.kind);
    struct Kind {
      std::string_view name;
      LossKind kind;
    };
    static constexpr Kind kinds[] = {{"Leak_DefinitelyLost", LossKind::definite},
                                     {"Leak_IndirectlyLost", LossKind::indirect},
                                     {"Leak_PossiblyLost", LossKind::possible},
                                     {"Leak_StillReachable", LossKind::reachable}};
    const auto kind =
        std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& row) { return row.name == error_.kind; });
    if (kind == std::end(kinds) || !error_.bytes || !error_.blocks) return reject("a loss record without its figures");
    Loss loss;
    // Its bytes include what is lost indirectly through it; the sentence tells them apart.
    if (const auto said = parse_loss(error_.text))
      loss = *said;
    else
      loss.bytes = *error_.bytes;
    loss.kind = kind->kind;
    loss.blocks = *error_.blocks;
    loss.bytes = std::min(loss.bytes, *error_.bytes);
    loss.stack = std::move(error_.stack);
    ReportBuilder::add_loss(process(), std::move(loss));
  }
  void reject(const char* what) { damage_.add(error_offset_, xml_.next_offset() - error_offset_, what); }

  struct Error {
    std::string kind, text;
    std::optional<std::uint64_t> bytes, blocks;
    std::vector<Frame> stack;  // the first one; others are about another moment
    unsigned stacks = 0;
  };

  XmlReader xml_;
  DamageLog& damage_;
  ReportBuilder builder_;
  std::uint64_t process_id_ = 0;
  std::uint64_t depth_ = 0;
  std::string_view element_;  // the innermost open one, if it has no children so far
  std::string text_, command_, directory_;
  Error error_;
  Suppression pair_;
  bool in_error_ = false;
  bool in_own_options_ = false;  // of Valgrind; the program's come after them
  bool shows_lost_ = true;
  bool tells_reachable_ = false;
  std::uint64_t error_offset_ = 0;
};

}  // namespace

bool looks_like_xml(Bytes head) {
  const std::string_view text = as_text(head);
  const std::size_t document = text.find("<valgrindoutput>");
  if (document == std::string_view::npos || document > 4096) return false;
  const std::string_view rest = text.substr(document);
  return rest.find("<protocoltool>memcheck</protocoltool>") != std::string_view::npos ||
         rest.find("<tool>memcheck</tool>") != std::string_view::npos;
}

Report read_xml(Bytes bytes, DamageLog& damage) { return XmlReport(bytes, damage).read(); }

}  // namespace formats::memcheck

// Reports for a terminal.
#include <algorithm>
#include <set>

#include "analyzer/quantities.h"
#include "analyzer/reports/render.h"
#include "analyzer/terminal.h"

namespace analyzer {

namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string_view characters(std::string_view text, std::size_t first, std::size_t count) {
  const auto skip = [&](std::size_t from, std::size_t n) {
    while (from < text.size() && n > 0) {
      do ++from;
      while (from < text.size() && !starts_character(text[from]));
      --n;
    }
    return from;
  };
  const std::size_t begin = skip(0, first);
  return text.substr(begin, skip(begin, count) - begin);
}

/// The middle goes: names differ at their ends.
std::string shortened(std::string_view text, std::size_t width) {
  const std::size_t length = width_of(text);
  if (length <= width || width < 3) return std::string(text);
  const std::size_t head = (width - 1) / 3;
  return std::string(characters(text, 0, head)) + "\u2026" +
         std::string(characters(text, length - (width - 1 - head), width));
}

bool is_right(CellFormat format) { return format != CellFormat::text; }

void append_wrapped(std::string& out, std::string_view text, std::size_t width) {
  std::size_t column = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, space - at);
    const std::size_t length = width_of(word);
    if (column > 0 && width > 0 && column + 1 + length > width) {
      out += '\n';
      column = 0;
    }
    if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += length;
    at = space + 1;
  }
  out += '\n';
}

class TextRenderer {
 public:
  explicit TextRenderer(const RenderOptions& options) : options_(options), style_(options.color) {}

  std::string render(const Report& report) {
    if (!report.title.empty()) {
      out_ += style_.bold;
      out_ += printable(report.title);
      out_ += style_.reset;
      out_ += '\n';
    }
    for (const std::string& warning : report.warnings) {
      out_ += style_.yellow;
      append_wrapped(out_, "warning: " + printable(warning), options_.width);
      out_ += style_.reset;
    }
    for (const Section& part : report.sections) section(part);
    return std::move(out_);
  }

 private:
  void section(const Section& part) {
    gap();
    if (!part.title.empty()) {
      out_ += style_.bold;
      append_wrapped(out_, printable(part.title), options_.width);
      out_ += style_.reset;
    }
    for (const std::string& text : part.paragraphs) append_wrapped(out_, printable(text), options_.width);
    if (!part.preformatted.empty()) gap();
    for (const std::string& line : part.preformatted) out_ += "  " + printable(line) + '\n';
    facts(part.facts);
    for (const Table& one : part.tables) {
      if (!one.data_only) table(one);
    }
    for (const Section& inner : part.sections) section(inner);
  }

  void gap() {
    if (!out_.empty() && !out_.ends_with("\n\n")) out_ += '\n';
  }

  void facts(const std::vector<Fact>& list) {
    std::size_t width = 0;
    for (const Fact& fact : list) {
      if (!std::holds_alternative<std::monostate>(fact.value)) width = std::max(width, width_of(fact.label));
    }
    if (width > 0) gap();
    for (const Fact& fact : list) {
      if (std::holds_alternative<std::monostate>(fact.value)) continue;
      std::string text = printable(cell_text(fact.value, fact.format));
      if (const auto* bytes = std::get_if<std::int64_t>(&fact.value);
          bytes != nullptr && fact.format == CellFormat::bytes && *bytes >= 1024) {
        text += " (" + format_count(static_cast<std::uint64_t>(*bytes)) + " bytes)";
      }
      const std::string label = printable(fact.label);
      out_ += "  ";
      out_ += style_.dim;
      out_ += label + std::string(width - std::min(width, width_of(label)) + 2, ' ');
      out_ += style_.reset;
      out_ += text + '\n';
    }
  }

  void table(const Table& one) {
    if (one.rows.empty() && one.total.empty()) return;
    gap();
    if (!one.title.empty())
      out_ += "  " + std::string(style_.bold) + printable(one.title) + std::string(style_.reset) + '\n';
    std::vector<std::vector<std::string>> lines;
    const auto add = [&](const std::vector<Cell>& row) {
      std::vector<std::string> line;
      for (std::size_t i = 0; i < one.columns.size(); ++i) {
        line.push_back(printable(i < row.size() ? cell_text(row[i], one.columns[i].format) : std::string()));
      }
      lines.push_back(std::move(line));
    };
    for (const auto& row : one.rows) add(row);
    if (!one.others.empty()) add(one.others);
    if (!one.total.empty()) add(one.total);

    std::vector<std::size_t> contents;
    for (std::size_t i = 0; i < one.columns.size(); ++i) {
      std::size_t width = 0;
      for (const auto& line : lines) width = std::max(width, width_of(line[i]));
      contents.push_back(width);
    }
    std::vector<std::string> left_out;
    std::vector<std::size_t> widths = with_headers(one, contents, false);
    if (!fit(one, widths, 20)) {  // names of columns on several lines, and less of other names
      widths = with_headers(one, contents, true);
      if (!fit(one, widths, 20)) left_out = leave_out(one, contents, widths);
    }
    for (std::size_t i = 0; i < widths.size(); ++i) keep_apart(lines, i, widths[i]);
    header(one, widths);
    rule(widths);
    const std::size_t body = lines.size() - (one.total.empty() ? 0 : 1);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i == body) rule(widths);
      row_line(one, widths, lines[i]);
    }
    if (left_out.empty()) return;
    std::string names;
    for (const std::string& name : left_out) names += (names.empty() ? "" : ", ") + name;
    out_ += "  ";
    out_ += style_.dim;
    out_ += "[too narrow for " + names + ": --format markdown, csv and json have all columns]";
    out_ += style_.reset;
    out_ += '\n';
  }

  /// Shrinks texts as far as they can be read; then columns of figures go, the last first. Returns their names.
  std::vector<std::string> leave_out(const Table& one, std::vector<std::size_t>& contents,
                                     std::vector<std::size_t>& widths) const {
    constexpr std::size_t least = 14, kept = 4;  // what it is, where, and the figure that orders the table
    std::vector<std::string> names;
    bool fits = fit(one, widths, least);
    for (std::size_t i = widths.size(); options_.leave_out_columns && !fits && i-- > kept;) {
      if (contents[i] == 0 || !is_right(one.columns[i].format)) continue;
      contents[i] = 0;
      names.insert(names.begin(), one.columns[i].name);
      widths = with_headers(one, contents, true);
      fits = fit(one, widths, least);
    }
    return names;
  }

  /// "allocation_", "count": where a column's name may be broken.
  static std::vector<std::string_view> pieces_of(std::string_view name) {
    std::vector<std::string_view> pieces;
    while (!name.empty()) {
      const std::size_t end = std::min(name.find('_'), name.size() - 1) + 1;
      pieces.push_back(name.substr(0, end));
      name.remove_prefix(end);
    }
    return pieces;
  }

  /// Widths with room for the columns' names, whole or broken. No values: no column.
  static std::vector<std::size_t> with_headers(const Table& one, std::vector<std::size_t> widths, bool broken) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::string_view name = one.columns[i].name;
      if (!broken) widths[i] = std::max(widths[i], width_of(name));
      if (!broken) continue;
      for (const std::string_view piece : pieces_of(name)) widths[i] = std::max(widths[i], width_of(piece));
    }
    return widths;
  }

  void header(const Table& one, const std::vector<std::size_t>& widths) {
    std::vector<std::vector<std::string>> columns;
    std::size_t height = 1;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      std::vector<std::string> parts(1);
      for (const std::string_view piece : pieces_of(one.columns[i].name)) {
        if (!parts.back().empty() && width_of(parts.back()) + width_of(piece) > widths[i]) parts.emplace_back();
        parts.back() += piece;
      }
      if (widths[i] > 0) height = std::max(height, parts.size());
      columns.push_back(std::move(parts));
    }
    for (std::size_t y = 0; y < height; ++y) {
      std::vector<std::string> line;
      line.reserve(columns.size());
      for (const std::vector<std::string>& parts : columns) {
        line.push_back(y + parts.size() < height ? std::string() : parts[y + parts.size() - height]);
      }
      row_line(one, widths, line);
    }
  }

  /// Shrinks columns of text, the widest first, none below `least`; false = the table is still too wide.
  bool fit(const Table& one, std::vector<std::size_t>& widths, std::size_t least) const {
    while (options_.width > 0) {
      std::size_t sum = 2;
      std::size_t widest = widths.size();
      for (std::size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] > 0) sum += widths[i] + 2;
        const bool may_shrink = !is_right(one.columns[i].format) && widths[i] > least;
        if (may_shrink && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
      }
      if (sum <= options_.width + 2) return true;
      if (widest == widths.size()) return false;
      const std::size_t excess = sum - options_.width - 2;
      widths[widest] = widths[widest] > least + excess ? widths[widest] - excess : least;
    }
    return true;
  }

  /// Widens a column of texts until those that differ look different: {lambda(int)#1} and {lambda(int)#2}.
  static void keep_apart(const std::vector<std::vector<std::string>>& lines, std::size_t column, std::size_t& width) {
    std::set<std::string_view> texts;
    std::size_t longest = 0;
    for (const auto& line : lines) {
      if (width_of(line[column]) > width) longest = std::max(longest, width_of(line[column]));
      texts.insert(line[column]);
    }
    constexpr std::size_t most_lines = 1000;  // of more nobody reads each
    if (longest == 0 || lines.size() > most_lines) return;
    const auto collide = [&] {
      std::set<std::string> shown;
      for (const std::string_view text : texts) shown.insert(shortened(text, width));
      return shown.size() < texts.size();
    };
    const std::size_t most = std::min(longest, width + 24);  // beyond that a line is unreadable anyway
    const std::size_t before = width;
    while (width < most && collide()) ++width;
    if (collide()) width = before;
  }

  void rule(const std::vector<std::size_t>& widths) {
    out_ += "  ";
    for (const std::size_t width : widths) {
      if (width == 0) continue;
      for (std::size_t i = 0; i < width; ++i) out_ += "\u2500";
      out_ += "  ";
    }
    trim();
  }

  void row_line(const Table& one, const std::vector<std::size_t>& widths, const std::vector<std::string>& cells) {
    out_ += "  ";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (widths[i] == 0) continue;
      const std::string text = shortened(cells[i], widths[i]);
      const std::string padding(widths[i] - std::min(widths[i], width_of(text)), ' ');
      out_ += is_right(one.columns[i].format) ? padding + text : text + padding;
      out_ += "  ";
    }
    trim();
  }

  void trim() {
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += '\n';
  }

  const RenderOptions& options_;
  Style style_;
  std::string out_;
};

}  // namespace

std::string render_text(const Report& report, const RenderOptions& options) {
  return TextRenderer(options).render(report);
}

}  // namespace analyzer

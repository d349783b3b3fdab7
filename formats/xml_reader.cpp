#include "formats/xml_reader.h"

#include <algorithm>
#include <optional>

#include "formats/text_lines.h"

namespace formats {
namespace {

constexpr std::string_view blank = " \t\r\n";

std::string_view trim_lines(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

}  // namespace

bool XmlReader::next() {
  if (closes_itself_) {
    closes_itself_ = false;
    token_ = XmlToken::close_tag;
    token_text_ = {};
    return true;
  }
  while (at_ < text_.size()) {
    start_ = at_;
    if (text_[at_] != '<') {
      at_ = std::min(text_.find('<', at_), text_.size());
      token_text_ = trim_lines(text_.substr(start_, at_ - start_));
      if (token_text_.empty()) continue;
      token_ = XmlToken::text;
      return true;
    }
    const bool is_comment = text_.substr(at_, 4) == "<!--";
    const std::string_view mark = is_comment ? "-->" : ">";
    const std::size_t end = text_.find(mark, at_);
    if (end == std::string_view::npos) {
      is_cut_ = true;
      break;
    }
    at_ = end + mark.size();
    if (!is_comment && read_tag(end)) return true;
  }
  if (is_cut_) at_ = text_.size();
  token_ = XmlToken::end;
  return false;
}

bool XmlReader::read_tag(std::size_t end) {
  std::string_view tag = text_.substr(start_ + 1, end - start_ - 1);
  if (tag.starts_with('?') || tag.starts_with('!')) return false;
  token_ = tag.starts_with('/') ? XmlToken::close_tag : XmlToken::open_tag;
  if (token_ == XmlToken::close_tag) tag.remove_prefix(1);
  closes_itself_ = token_ == XmlToken::open_tag && tag.ends_with('/');
  if (closes_itself_) tag.remove_suffix(1);
  name_ = tag.substr(0, tag.find_first_of(blank));
  token_text_ = trim_lines(tag.substr(name_.size()));
  return true;
}

std::string unescape_xml(std::string_view text) {
  struct Entity {
    std::string_view name;
    char value;
  };
  static constexpr Entity entities[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t mark = std::min(text.find('&', at), text.size());
    out += text.substr(at, mark - at);
    at = mark;
    if (at == text.size()) break;
    constexpr std::size_t longest = 10;
    const std::size_t end = text.substr(at, longest).find(';');
    const std::string_view name = end == std::string_view::npos ? std::string_view() : text.substr(at + 1, end - 1);
    const auto entity =
        std::find_if(std::begin(entities), std::end(entities), [&](const Entity& row) { return row.name == name; });
    std::optional<unsigned> code;
    if (name.starts_with("#x"))
      code = parse_number<unsigned>(name.substr(2), 16);
    else if (name.starts_with('#'))
      code = parse_number<unsigned>(name.substr(1));
    if (entity != std::end(entities)) {
      out += entity->value;
    } else if (code && *code > 0 && *code < 0x80) {
      out += static_cast<char>(*code);
    } else {
      out += '&';
      ++at;
      continue;
    }
    at += end + 1;
  }
  return out;
}

}  // namespace formats

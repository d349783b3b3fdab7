// XML tag by tag: for reports that may be cut off or hold several documents, of which a parser of whole documents gives
// nothing. Elements and their text; no DTDs, no entities but the five of XML and numeric ones. Views, linear time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/bytes.h"

namespace formats {

enum class XmlToken : std::uint8_t { end, open_tag, close_tag, text };

class XmlReader {
 public:
  explicit XmlReader(Bytes bytes) : text_(as_text(bytes)) {}

  /// The next tag, or text that is more than blanks; false at the end. Comments, declarations and processing
  /// instructions are passed over; `<a/>` is an open_tag and a close_tag.
  bool next();
  [[nodiscard]] XmlToken token() const { return token_; }
  [[nodiscard]] std::string_view name() const { return name_; }  ///< of a tag
  /// Of a tag: what stands behind its name. Of a text: itself, still escaped, without blanks around it.
  [[nodiscard]] std::string_view text() const { return token_text_; }
  [[nodiscard]] std::uint64_t offset() const { return start_; }
  [[nodiscard]] std::uint64_t next_offset() const { return at_; }
  /// The input ends within a tag or comment.
  [[nodiscard]] bool is_cut() const { return is_cut_; }

 private:
  bool read_tag(std::size_t end);

  std::string_view text_, token_text_, name_;
  std::size_t at_ = 0, start_ = 0;
  XmlToken token_ = XmlToken::end;
  bool closes_itself_ = false;
  bool is_cut_ = false;
};

/// Resolves &lt; &gt; &amp; &quot; &apos; &#N; &#xN;. What is no entity stays as it is.
[[nodiscard]] std::string unescape_xml(std::string_view text);

}  // namespace formats

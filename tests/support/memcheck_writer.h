// Writes memcheck's reports for tests, the same as XML and as text.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tests {

class MemcheckWriter {
 public:
  enum class Form : std::uint8_t { xml, text };
  /// Innermost first: function, "file:line".
  using Stack = std::vector<std::pair<std::string, std::string>>;

  explicit MemcheckWriter(Form form, std::uint64_t process_id = 14) : form_(form), id_(std::to_string(process_id)) {
    if (form_ == Form::text) {
      line("Memcheck, a memory error detector");
      line("Command: ./server 5000");
      line("");
      return;
    }
    text_ =
        "<?xml version=\"1.0\"?>\n\n<valgrindoutput>\n\n<protocolversion>4</protocolversion>\n"
        "<protocoltool>memcheck</protocoltool>\n\n<pid>" +
        id_ +
        "</pid>\n<tool>memcheck</tool>\n<args>\n"
        "  <vargv>\n    <exe>/usr/bin/valgrind.bin</exe>\n    <arg>--xml=yes</arg>\n    "
        "<arg>--show-leak-kinds=all</arg>\n  </vargv>\n"
        "  <argv>\n    <exe>./server</exe>\n    <arg>5000</arg>\n  </argv>\n</args>\n";
  }

  /// `sentence`: "10,000 bytes in 50 blocks are definitely lost in loss record 1 of 3".
  MemcheckWriter& loss(const std::string& kind, const std::string& sentence, std::uint64_t bytes, std::uint64_t blocks,
                       const Stack& stack) {
    if (form_ == Form::text) {
      line(sentence);
    } else {
      text_ += "<error>\n  <unique>0x1</unique>\n  <kind>Leak_" + kind + "</kind>\n  <xwhat>\n    <text>" + sentence +
               "</text>\n    <leakedbytes>" + std::to_string(bytes) + "</leakedbytes>\n    <leakedblocks>" +
               std::to_string(blocks) + "</leakedblocks>\n  </xwhat>\n";
    }
    return end_error(stack);
  }
  MemcheckWriter& error(const std::string& kind, const std::string& sentence, const Stack& stack) {
    if (form_ == Form::text)
      line(sentence);
    else
      text_ += "<error>\n  <unique>0x2</unique>\n  <kind>" + kind + "</kind>\n  <what>" + sentence + "</what>\n";
    return end_error(stack);
  }
  /// A line of the text form, or raw XML.
  MemcheckWriter& line(const std::string& text) {
    text_ += form_ == Form::text ? "==" + id_ + "== " + text + "\n" : text + "\n";
    return *this;
  }
  MemcheckWriter& finish() {
    return line(form_ == Form::text ? "ERROR SUMMARY: 1 errors from 1 contexts (suppressed: 0 from 0)"
                                    : "</valgrindoutput>");
  }
  [[nodiscard]] const std::string& bytes() const { return text_; }

 private:
  MemcheckWriter& end_error(const Stack& stack) {
    if (form_ == Form::xml) text_ += "  <stack>\n";
    int address = 0x1000;
    for (const auto& [function, place] : stack) {
      const std::size_t colon = place.find(':');
      if (form_ == Form::xml) {
        text_ += "    <frame>\n      <ip>0x" + std::to_string(address) +
                 "</ip>\n      <obj>/bin/server</obj>\n      <fn>" + escaped(function) +
                 "</fn>\n      <dir>src</dir>\n      <file>" + place.substr(0, colon) + "</file>\n      <line>" +
                 place.substr(colon + 1) + "</line>\n    </frame>\n";
      } else {
        line(std::string(address == 0x1000 ? "   at 0x" : "   by 0x") + std::to_string(address) + ": " + function +
             " (" + place + ")");
      }
      ++address;
    }
    if (form_ == Form::xml)
      text_ += "  </stack>\n</error>\n";
    else
      line("");
    return *this;
  }
  static std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
  }

  Form form_;
  std::string id_;
  std::string text_;
};

}  // namespace tests

#include "formats/rust_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "formats/text_lines.h"

namespace formats {
namespace {

constexpr std::size_t longest_result = std::size_t{16} << 10;
constexpr int deepest = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

void append_utf8(std::string& text, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | point >> 6);
    byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3f));
    byte(0x80 | (point >> 6 & 0x3f));
    byte(0x80 | (point & 0x3f));
  }
}

bool is_scalar(std::uint64_t point) { return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff); }

/// The older scheme's escapes: "$LT$" and so on, "$u20$", ".." for "::".
std::optional<std::string> legacy_part(std::string_view part) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> escapes{
      {{"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"}, {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}}};
  std::string text;
  if (part.starts_with("_$")) part.remove_prefix(1);
  while (!part.empty()) {
    if (part.starts_with("..")) {
      text += "::";
      part.remove_prefix(2);
    } else if (part.front() == '$') {
      const std::size_t end = part.find('$', 1);
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view escape = part.substr(1, end - 1);
      const auto* const known =
          std::find_if(escapes.begin(), escapes.end(), [&](const auto& entry) { return entry.first == escape; });
      if (known != escapes.end()) {
        text += known->second;
      } else {
        const auto point = escape.starts_with('u') ? parse_number<std::uint32_t>(escape.substr(1), 16) : std::nullopt;
        if (!point || !is_scalar(*point) || *point < 0x20) return std::nullopt;
        append_utf8(text, *point);
      }
      part.remove_prefix(end + 1);
    } else {
      text += part.front();
      part.remove_prefix(1);
    }
  }
  return text;
}

std::optional<std::string> demangle_legacy(std::string_view name) {
  std::string text;
  std::string_view last;
  while (!name.empty() && name.front() != 'E') {
    std::size_t digits = 0;
    while (digits < name.size() && is_digit(name[digits])) ++digits;
    const auto size = parse_number<std::size_t>(name.substr(0, digits));
    if (!size || *size > name.size() - digits) return std::nullopt;
    if (!last.empty()) {
      const std::optional<std::string> part = legacy_part(last);
      if (!part) return std::nullopt;
      text += (text.empty() ? "" : "::") + *part;
    }
    last = name.substr(digits, *size);
    name.remove_prefix(digits + *size);
  }
  const bool has_hash = last.size() == 17 && last.front() == 'h' && std::all_of(last.begin() + 1, last.end(), is_hex);
  if (!has_hash || text.empty() || !(name == "E" || name.starts_with("E."))) return std::nullopt;
  return text;
}

/// RFC 3492; Rust writes '_' where it has '-'.
std::optional<std::string> decode_punycode(std::string_view text) {
  const std::size_t delimiter = text.rfind('_');
  std::vector<std::uint32_t> points;
  if (delimiter != std::string_view::npos) {
    for (const char c : text.substr(0, delimiter)) points.push_back(static_cast<unsigned char>(c));
    text.remove_prefix(delimiter + 1);
  }
  std::uint64_t point = 128, index = 0, bias = 72, damp = 700;
  while (!text.empty()) {
    const std::uint64_t before = index;
    std::uint64_t weight = 1;
    for (std::uint64_t k = 36;; k += 36) {
      if (text.empty()) return std::nullopt;
      const char c = text.front();
      text.remove_prefix(1);
      if (!is_digit(c) && (c < 'a' || c > 'z')) return std::nullopt;
      const std::uint64_t digit =
          is_digit(c) ? static_cast<std::uint64_t>(c - '0') + 26 : static_cast<std::uint64_t>(c - 'a');
      index += digit * weight;
      const std::uint64_t threshold = k <= bias ? 1 : std::min<std::uint64_t>(k - bias, 26);
      if (digit < threshold) break;
      weight *= 36 - threshold;
      if (weight > 1u << 28 || index > 1u << 28) return std::nullopt;
    }
    const std::uint64_t count = points.size() + 1;
    std::uint64_t delta = (index - before) / damp;
    damp = 2;
    delta += delta / count;
    std::uint64_t k = 0;
    for (; delta > 35 * 26 / 2; k += 36) delta /= 35;
    bias = k + 36 * delta / (delta + 38);
    point += index / count;
    index %= count;
    if (!is_scalar(point) || count > 1000) return std::nullopt;
    points.insert(points.begin() + static_cast<std::ptrdiff_t>(index), static_cast<std::uint32_t>(point));
    ++index;
  }
  std::string utf8;
  for (const std::uint32_t each : points) append_utf8(utf8, each);
  return utf8;
}

/// The v0 scheme: one function per rule of the RFC's grammar. A failure is sticky, as in ByteReader.
class V0 {
 public:
  /// `text` behind "_R": back-references count from there.
  explicit V0(std::string_view text) : text_(text) {}

  std::optional<std::string> run() {
    if (is_digit(peek())) return std::nullopt;  // a version of the future
    path(true);
    if (!failed_ && at_ < text_.size() && peek() != '.' && peek() != '$') {  // the crate that instantiates it
      const std::size_t size = result_.size();
      path(false);
      result_.resize(std::min(size, result_.size()));
    }
    if (failed_ || (at_ < text_.size() && peek() != '.' && peek() != '$')) return std::nullopt;
    return std::move(result_);
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  char take() {
    if (at_ < text_.size()) return text_[at_++];
    failed_ = true;
    return '\0';
  }
  bool take_if(char c) {
    if (peek() != c || failed_) return false;
    ++at_;
    return true;
  }
  void print(std::string_view text) {
    if (result_.size() + text.size() > longest_result) failed_ = true;
    if (!failed_) result_ += text;
  }
  void print(std::uint64_t number) { print(std::string_view(std::to_string(number))); }

  std::uint64_t base62() {
    std::uint64_t value = 0;
    if (take_if('_')) return 0;
    while (!failed_) {
      const char c = take();
      if (c == '_' && value != std::numeric_limits<std::uint64_t>::max()) return value + 1;
      std::uint64_t digit = 0;
      if (is_digit(c)) {
        digit = static_cast<std::uint64_t>(c - '0');
      } else if (c >= 'a' && c <= 'z') {
        digit = static_cast<std::uint64_t>(c - 'a') + 10;
      } else if (c >= 'A' && c <= 'Z') {
        digit = static_cast<std::uint64_t>(c - 'A') + 36;
      } else {
        failed_ = true;
      }
      if (__builtin_mul_overflow(value, std::uint64_t{62}, &value) || __builtin_add_overflow(value, digit, &value)) {
        failed_ = true;
      }
    }
    return 0;
  }
  /// "s_" = 1, nothing = 0.
  std::uint64_t disambiguator() { return take_if('s') ? base62() + 1 : 0; }

  std::string identifier() {
    const bool is_punycode = take_if('u');
    std::size_t size = 0;
    if (!is_digit(peek())) failed_ = true;
    while (is_digit(peek()) && size <= text_.size()) size = size * 10 + static_cast<std::size_t>(take() - '0');
    take_if('_');
    if (failed_ || size > text_.size() - at_) {
      failed_ = true;
      return {};
    }
    const std::string_view name = text_.substr(at_, size);
    at_ += size;
    if (!is_punycode) return std::string(name);
    std::optional<std::string> decoded = decode_punycode(name);
    if (!decoded) failed_ = true;
    return std::move(decoded).value_or("");
  }

  /// Runs `parse` at the place that a back-reference names; `start`: of the 'B'.
  template <typename Parse>
  void back_reference(std::size_t start, Parse&& parse) {
    const std::uint64_t target = base62();
    if (failed_ || target >= start) {
      failed_ = true;
      return;
    }
    const std::size_t back = std::exchange(at_, static_cast<std::size_t>(target));
    parse();
    at_ = back;
  }

  struct Depth {
    explicit Depth(V0& in) : owner(in) {
      if (++owner.depth_ > deepest) owner.failed_ = true;
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --owner.depth_; }
    V0& owner;
  };

  /// `in_value`: generic arguments follow "::", as in expressions.
  void path(bool in_value) {
    const Depth depth(*this);
    if (failed_) return;
    const std::size_t start = at_;
    switch (take()) {
      case 'C':
        disambiguator();
        print(identifier());
        break;
      case 'N': nested_path(in_value); break;
      case 'M':
        impl_path();
        print("<");
        type();
        print(">");
        break;
      case 'X':
        impl_path();
        trait_path();
        break;
      case 'Y': trait_path(); break;
      case 'I':
        path(in_value);
        if (in_value) print("::");
        print("<");
        list([&] { generic_argument(); });
        print(">");
        break;
      case 'B': back_reference(start, [&] { path(in_value); }); break;
      default: failed_ = true;
    }
  }
  void nested_path(bool in_value) {
    const char space = take();
    path(in_value);
    const std::uint64_t number = disambiguator();
    const std::string name = identifier();
    if (space >= 'A' && space <= 'Z') {
      print("::{");
      print(space == 'C' ? "closure" : space == 'S' ? "shim" : std::string_view(&space, 1));
      if (!name.empty()) print(":" + name);
      print("#");
      print(number);
      print("}");
    } else if (!name.empty()) {
      print("::" + name);
    }
  }
  /// Where an impl stands is not shown.
  void impl_path() {
    disambiguator();
    const std::size_t size = result_.size();
    path(false);
    result_.resize(std::min(size, result_.size()));
  }
  void trait_path() {
    print("<");
    type();
    print(" as ");
    path(false);
    print(">");
  }
  /// `parse` for each until 'E', with commas between; how many.
  template <typename Parse>
  std::size_t list(Parse&& parse) {
    std::size_t count = 0;
    while (!failed_ && !take_if('E')) {
      if (count++ != 0) print(", ");
      parse();
    }
    return count;
  }
  void generic_argument() {
    if (take_if('L')) {
      lifetime(base62());
    } else if (take_if('K')) {
      constant();
    } else {
      type();
    }
  }
  /// De Bruijn index: 1 = the innermost bound one, 0 = erased.
  void lifetime(std::uint64_t number) {
    if (number > lifetimes_) failed_ = true;
    if (failed_) return;
    const std::uint64_t name = lifetimes_ - number;
    if (number == 0) {
      print("'_");
    } else if (name < 26) {
      const char letter = static_cast<char>('a' + name);
      print("'");
      print(std::string_view(&letter, 1));
    } else {
      print("'_");
      print(name);
    }
  }
  /// `parse` where the lifetimes of "for<'a, 'b>" are known.
  template <typename Parse>
  void binder(Parse&& parse) {
    const std::uint64_t bound = take_if('G') ? base62() + 1 : 0;
    if (bound > 1000) failed_ = true;
    for (std::uint64_t i = 0; i < bound && !failed_; ++i) {
      print(i == 0 ? "for<" : ", ");
      ++lifetimes_;
      lifetime(1);
    }
    if (bound != 0) print("> ");
    parse();
    if (!failed_) lifetimes_ -= bound;
  }

  void type() {
    const Depth depth(*this);
    if (failed_) return;
    const std::size_t start = at_;
    const char tag = take();
    if (const std::string_view basic = basic_type(tag); !basic.empty()) return print(basic);
    switch (tag) {
      case 'R':
      case 'Q':
        print("&");
        if (take_if('L')) {
          if (const std::uint64_t number = base62(); number != 0) {
            lifetime(number);
            print(" ");
          }
        }
        if (tag == 'Q') print("mut ");
        type();
        break;
      case 'P':
        print("*const ");
        type();
        break;
      case 'O':
        print("*mut ");
        type();
        break;
      case 'S':
        print("[");
        type();
        print("]");
        break;
      case 'A':
        print("[");
        type();
        print("; ");
        constant();
        print("]");
        break;
      case 'T':
        print("(");
        if (list([&] { type(); }) == 1) print(",");
        print(")");
        break;
      case 'F': binder([&] { function_type(); }); break;
      case 'D':
        print("dyn ");
        binder([&] { dyn_bounds(); });
        if (!take_if('L')) failed_ = true;
        if (const std::uint64_t number = failed_ ? 0 : base62(); number != 0) {
          print(" + ");
          lifetime(number);
        }
        break;
      case 'B': back_reference(start, [&] { type(); }); break;
      default: at_ = start; path(false);
    }
  }
  void function_type() {
    if (take_if('U')) print("unsafe ");
    if (take_if('K')) {
      print("extern \"");
      std::string abi = take_if('C') ? "C" : identifier();
      std::replace(abi.begin(), abi.end(), '_', '-');
      print(abi);
      print("\" ");
    }
    print("fn(");
    list([&] { type(); });
    print(")");
    if (take_if('u')) return;
    print(" -> ");
    type();
  }
  void dyn_bounds() {
    bool is_first = true;
    while (!failed_ && !take_if('E')) {
      if (!std::exchange(is_first, false)) print(" + ");
      dyn_trait();
    }
  }
  /// A trait with its generic arguments and associated types in one pair of brackets: Iterator<Item = u8>.
  void dyn_trait() {
    bool is_open = open_generic_path();
    while (!failed_ && take_if('p')) {
      print(std::exchange(is_open, true) ? ", " : "<");
      print(identifier() + " = ");
      type();
    }
    if (is_open) print(">");
  }
  /// As path(false), but the '>' of its generic arguments is left to the caller; whether there is one to come.
  bool open_generic_path() {
    const Depth depth(*this);
    if (failed_) return false;
    const std::size_t start = at_;
    bool is_open = false;
    if (take_if('B')) {
      back_reference(start, [&] { is_open = open_generic_path(); });
    } else if (take_if('I')) {
      path(false);
      print("<");
      list([&] { generic_argument(); });
      is_open = true;
    } else {
      path(false);
    }
    return is_open;
  }

  void constant() {
    const Depth depth(*this);
    if (failed_) return;
    const std::size_t start = at_;
    const char tag = take();
    if (tag == 'p') return print("_");
    if (tag == 'B') return back_reference(start, [&] { constant(); });
    const bool is_negative = take_if('n');
    std::string digits;
    while (!failed_ && !take_if('_')) {
      const char c = take();
      if (!is_hex(c)) failed_ = true;
      digits += c;
    }
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    const std::optional<std::uint64_t> value = digits.empty() ? 0 : parse_number<std::uint64_t>(digits, 16);
    if (tag == 'b' && value && *value <= 1) return print(*value != 0 ? "true" : "false");
    if (tag == 'c' && value && is_scalar(*value)) return print_character(static_cast<std::uint32_t>(*value));
    if (std::string_view("ahilmnostxyj").find(tag) == std::string_view::npos) {
      failed_ = true;
      return;
    }
    if (is_negative) print("-");
    if (value) return print(*value);
    print("0x" + digits);
  }
  void print_character(std::uint32_t point) {
    std::string text = "'";
    if (point < 0x20 || point == 0x7f) {
      text += "\\u{" + std::to_string(point) + "}";
    } else {
      append_utf8(text, point);
    }
    print(text + "'");
  }

  static std::string_view basic_type(char tag) {
    static constexpr std::array<std::string_view, 26> names{
        "i8",   "bool", "char", "f64", "str", "f32", "",    "u8", "isize", "usize", "",    "i32", "u32",
        "i128", "u128", "_",    "",    "",    "i16", "u16", "()", "...",   "",      "i64", "u64", "!"};
    return tag >= 'a' && tag <= 'z' ? names[static_cast<std::size_t>(tag - 'a')] : std::string_view();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string result_;
  bool failed_ = false;
  int depth_ = 0;
  std::uint64_t lifetimes_ = 0;  // bound around here
};

}  // namespace

std::optional<std::string> demangle_rust(std::string_view name) {
  if (name.size() > longest_result) return std::nullopt;
  if (name.starts_with("_ZN")) return demangle_legacy(name.substr(3));
  if (name.starts_with("_R")) return V0(name.substr(2)).run();
  return std::nullopt;
}

}  // namespace formats

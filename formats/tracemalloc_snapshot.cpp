#include "formats/tracemalloc_snapshot.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <unordered_map>

#include "formats/varint.h"

namespace formats::tracemalloc_snapshot {
namespace {

/// The opcodes that a snapshot is made of (pickletools' names).
enum Opcode : std::uint8_t {
  proto = 0x80,
  frame = 0x95,
  memoize = 0x94,
  short_binunicode = 0x8C,
  binunicode = 'X',
  binunicode8 = 0x8D,
  binget = 'h',
  long_binget = 'j',
  stack_global = 0x93,
  newobj = 0x81,
  mark = '(',
  none = 'N',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  long1 = 0x8A,
  empty_tuple = ')',
  tuple = 't',
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  empty_list = ']',
  append = 'a',
  appends = 'e',
  empty_dict = '}',
  setitem = 's',
  setitems = 'u',
  build = 'b',
  stop = '.',
};

enum class Kind : std::uint8_t { mark, none, integer, text, tuple, list, dict, global, object };

struct Value {
  Kind kind = Kind::none;
  std::int64_t number = 0;  // integer: itself; text, tuple, list: index
};

constexpr std::size_t damage_count_limit = 64;  // opcodes printed in a refusal are short

/// A pickle machine that makes values and calls nothing.
class Machine {
 public:
  Machine(Bytes file, DamageLog& damage) : reader_(file), damage_(damage) {}
  Snapshot run();

 private:
  bool step(std::uint8_t opcode);
  bool step_text(std::uint8_t opcode);
  bool step_number(std::uint8_t opcode);
  bool step_container(std::uint8_t opcode);
  bool step_object(std::uint8_t opcode);

  void push(Kind kind, std::int64_t number) { stack_.push_back({kind, number}); }
  std::optional<Value> pop();
  bool push_text(std::uint64_t size);
  bool push_memo(std::uint64_t number);
  bool push_tuple(std::size_t count);
  /// How many values lie above the last mark; nothing = there is none.
  [[nodiscard]] std::optional<std::size_t> above_mark() const;
  bool append_to_list(std::size_t count);
  bool set_items(std::size_t count);

  void take_traces(const std::vector<Value>& values);
  std::optional<Trace> trace_of(const Value& value);
  std::optional<std::uint32_t> traceback_of(const Value& value);
  [[nodiscard]] std::optional<Frame> frame_of(const Value& value) const;

  VarintReader reader_;
  DamageLog& damage_;
  std::vector<Value> stack_;
  std::vector<Value> memo_;
  std::vector<std::string_view> texts_;
  struct Tuple {
    std::size_t first = 0, count = 0;  // in items_
  };
  std::vector<Tuple> tuples_;
  std::vector<Value> items_;
  std::vector<std::vector<Value>> lists_;
  std::unordered_map<std::int64_t, std::uint32_t> traceback_numbers_;  // by tuple
  Snapshot snapshot_;
};

std::string opcode_text(std::uint8_t opcode) {
  std::array<char, 16> text{};
  const bool is_letter = opcode > 0x20 && opcode < 0x7F;
  std::snprintf(text.data(), text.size(), is_letter ? "'%c'" : "0x%02x", opcode);
  return text.data();
}

std::optional<Value> Machine::pop() {
  if (stack_.empty() || stack_.back().kind == Kind::mark) return std::nullopt;
  const Value value = stack_.back();
  stack_.pop_back();
  return value;
}

bool Machine::push_text(std::uint64_t size) {
  const Bytes bytes = reader_.take(size);
  if (!reader_.ok()) return false;
  push(Kind::text, static_cast<std::int64_t>(texts_.size()));
  texts_.push_back(as_text(bytes));
  return true;
}

bool Machine::push_memo(std::uint64_t number) {
  if (!reader_.ok() || number >= memo_.size()) return false;
  stack_.push_back(memo_[static_cast<std::size_t>(number)]);
  return true;
}

std::optional<std::size_t> Machine::above_mark() const {
  for (std::size_t count = 0; count < stack_.size(); ++count) {
    if (stack_[stack_.size() - 1 - count].kind == Kind::mark) return count;
  }
  return std::nullopt;
}

bool Machine::push_tuple(std::size_t count) {
  if (count > stack_.size()) return false;
  const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
  if (std::any_of(first, stack_.end(), [](const Value& value) { return value.kind == Kind::mark; })) return false;
  tuples_.push_back({items_.size(), count});
  items_.insert(items_.end(), first, stack_.end());
  stack_.erase(first, stack_.end());
  push(Kind::tuple, static_cast<std::int64_t>(tuples_.size()) - 1);
  return true;
}

bool Machine::append_to_list(std::size_t count) {
  if (count + 1 > stack_.size()) return false;
  const Value list = stack_[stack_.size() - count - 1];
  if (list.kind != Kind::list) return false;
  std::vector<Value>& values = lists_[static_cast<std::size_t>(list.number)];
  values.insert(values.end(), stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return true;
}

/// Attributes: only the limit is kept, the list of traces is found as the list there is.
bool Machine::set_items(std::size_t count) {
  if (count % 2 != 0 || count + 1 > stack_.size()) return false;
  if (stack_[stack_.size() - count - 1].kind != Kind::dict) return false;
  for (std::size_t i = stack_.size() - count; i < stack_.size(); i += 2) {
    const Value& key = stack_[i];
    const Value& value = stack_[i + 1];
    if (key.kind == Kind::text && texts_[static_cast<std::size_t>(key.number)] == "traceback_limit" &&
        value.kind == Kind::integer) {
      snapshot_.traceback_limit = value.number;
    }
  }
  stack_.resize(stack_.size() - count);
  return true;
}

bool Machine::step_text(std::uint8_t opcode) {
  switch (opcode) {
    case short_binunicode: return push_text(reader_.u8());
    case binunicode: return push_text(reader_.fixed<std::uint32_t>());
    case binunicode8: return push_text(reader_.fixed<std::uint64_t>());
    case binget: return push_memo(reader_.u8());
    case long_binget: return push_memo(reader_.fixed<std::uint32_t>());
    case memoize:
      if (stack_.empty() || stack_.back().kind == Kind::mark) return false;
      memo_.push_back(stack_.back());
      return true;
    default: return step_number(opcode);
  }
}

bool Machine::step_number(std::uint8_t opcode) {
  switch (opcode) {
    case none: push(Kind::none, 0); return true;
    case binint: push(Kind::integer, reader_.fixed<std::int32_t>()); return true;
    case binint1: push(Kind::integer, reader_.u8()); return true;
    case binint2: push(Kind::integer, reader_.fixed<std::uint16_t>()); return true;
    case long1: {  // little-endian, two's complement, of any length
      const Bytes bytes = reader_.take(reader_.u8());
      if (bytes.size() > 8) return false;
      std::uint64_t value = !bytes.empty() && (load_u8(&bytes.back()) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
      for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8) | load_u8(&bytes[i]);
      push(Kind::integer, static_cast<std::int64_t>(value));
      return true;
    }
    default: return step_container(opcode);
  }
}

bool Machine::step_container(std::uint8_t opcode) {
  const auto with_mark = [&](auto&& act) {
    const std::optional<std::size_t> count = above_mark();
    if (!count) return false;
    stack_.erase(stack_.end() - static_cast<std::ptrdiff_t>(*count) - 1);
    return act(*count);
  };
  switch (opcode) {
    case mark: push(Kind::mark, 0); return true;
    case empty_tuple: return push_tuple(0);
    case tuple1: return push_tuple(1);
    case tuple2: return push_tuple(2);
    case tuple3: return push_tuple(3);
    case tuple: return with_mark([&](std::size_t count) { return push_tuple(count); });
    case empty_list:
      push(Kind::list, static_cast<std::int64_t>(lists_.size()));
      lists_.emplace_back();
      return true;
    case append: return append_to_list(1);
    case appends: return with_mark([&](std::size_t count) { return append_to_list(count); });
    case empty_dict: push(Kind::dict, 0); return true;
    case setitem: return set_items(2);
    case setitems: return with_mark([&](std::size_t count) { return set_items(count); });
    default: return step_object(opcode);
  }
}

/// Classes and objects: names are compared, nothing is made of them.
bool Machine::step_object(std::uint8_t opcode) {
  switch (opcode) {
    case stack_global: {
      const std::optional<Value> name = pop();
      const std::optional<Value> module = pop();
      if (!name || !module || name->kind != Kind::text || module->kind != Kind::text) return false;
      const std::string_view class_name = texts_[static_cast<std::size_t>(name->number)];
      const std::string_view module_name = texts_[static_cast<std::size_t>(module->number)];
      if (module_name != "tracemalloc" || (class_name != "Snapshot" && class_name != "_Traces")) {
        snapshot_.refusal = "it names " + std::string(module_name.substr(0, damage_count_limit)) + "." +
                            std::string(class_name.substr(0, damage_count_limit));
        return false;
      }
      push(Kind::global, 0);
      return true;
    }
    case newobj: {
      const std::optional<Value> arguments = pop();
      const std::optional<Value> type = pop();
      if (!arguments || !type || arguments->kind != Kind::tuple || type->kind != Kind::global) return false;
      push(Kind::object, 0);
      return true;
    }
    case build: {
      const std::optional<Value> state = pop();
      return state && state->kind == Kind::dict && !stack_.empty() && stack_.back().kind == Kind::object;
    }
    case frame: reader_.take(8); return true;
    case proto: reader_.u8(); return true;
    default: snapshot_.refusal = "it has the opcode " + opcode_text(opcode); return false;
  }
}

bool Machine::step(std::uint8_t opcode) { return step_text(opcode); }

std::optional<Frame> Machine::frame_of(const Value& value) const {
  if (value.kind != Kind::tuple) return std::nullopt;
  const Tuple& parts = tuples_[static_cast<std::size_t>(value.number)];
  if (parts.count != 2) return std::nullopt;
  const Value& file = items_[parts.first];
  const Value& line = items_[parts.first + 1];
  if (file.kind != Kind::text || line.kind != Kind::integer) return std::nullopt;
  return Frame{texts_[static_cast<std::size_t>(file.number)], line.number};
}

std::optional<std::uint32_t> Machine::traceback_of(const Value& value) {
  if (value.kind != Kind::tuple) return std::nullopt;
  const auto [found, is_new] =
      traceback_numbers_.try_emplace(value.number, static_cast<std::uint32_t>(snapshot_.tracebacks.size()));
  if (!is_new) return found->second;
  const Tuple& parts = tuples_[static_cast<std::size_t>(value.number)];
  Traceback traceback{snapshot_.frames.size(), 0};
  for (std::size_t i = 0; i < parts.count; ++i) {
    if (const std::optional<Frame> frame = frame_of(items_[parts.first + i])) snapshot_.frames.push_back(*frame);
  }
  traceback.count = snapshot_.frames.size() - traceback.first;
  snapshot_.tracebacks.push_back(traceback);
  return found->second;
}

/// (domain, size, frames) and, from 3.9 on, how deep the stack was.
std::optional<Trace> Machine::trace_of(const Value& value) {
  if (value.kind != Kind::tuple) return std::nullopt;
  const Tuple parts = tuples_[static_cast<std::size_t>(value.number)];
  if (parts.count < 3 || parts.count > 4) return std::nullopt;
  const Value& domain = items_[parts.first];
  const Value& size = items_[parts.first + 1];
  if (domain.kind != Kind::integer || size.kind != Kind::integer) return std::nullopt;
  Trace trace;
  trace.domain = domain.number;
  trace.size = size.number;
  const std::optional<std::uint32_t> traceback = traceback_of(items_[parts.first + 2]);
  if (!traceback) return std::nullopt;
  trace.traceback = *traceback;
  if (parts.count == 4 && items_[parts.first + 3].kind == Kind::integer) {
    trace.total_frames = items_[parts.first + 3].number;
  }
  return trace;
}

void Machine::take_traces(const std::vector<Value>& values) {
  for (const Value& value : values) {
    if (const std::optional<Trace> trace = trace_of(value)) {
      snapshot_.traces.push_back(*trace);
    } else {
      damage_.add(reader_.position(), 0, "value in the list of traces that is no trace");
    }
  }
}

Snapshot Machine::run() {
  bool is_complete = false;
  std::size_t start = 0;
  while (!reader_.at_end()) {
    start = reader_.position();
    const std::uint8_t opcode = reader_.u8();
    is_complete = opcode == stop;
    if (is_complete || !step(opcode) || !reader_.ok()) break;
    start = reader_.position();
  }
  if (!snapshot_.refusal.empty()) return std::move(snapshot_);
  // A pickle that breaks off has traces that are not in the list yet.
  std::vector<Value> loose;
  if (!is_complete) {
    damage_.add(start, reader_.position() + reader_.remaining() - start, "the pickle breaks off");
    std::copy_if(stack_.begin(), stack_.end(), std::back_inserter(loose), [&](const Value& value) {
      return value.kind == Kind::tuple && tuples_[static_cast<std::size_t>(value.number)].count >= 3 &&
             trace_of(value).has_value();
    });
  }
  if (!lists_.empty()) take_traces(lists_.front());
  take_traces(loose);
  return std::move(snapshot_);
}

}  // namespace

bool looks_like(Bytes head) {
  constexpr std::size_t names_within = 64;
  if (head.size() < 2 || load_u8(head.data()) != proto || load_u8(&head[1]) < 4 || load_u8(&head[1]) > 5) return false;
  const std::string_view text = as_text(head.first(std::min(head.size(), names_within)));
  const std::size_t module = text.find("tracemalloc");
  return module != std::string_view::npos && text.find("Snapshot", module) != std::string_view::npos;
}

Snapshot read(Bytes file, DamageLog& damage) { return Machine(file, damage).run(); }

}  // namespace formats::tracemalloc_snapshot

#include "formats/unwind.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "formats/demangle.h"

namespace formats {
namespace {

constexpr std::size_t most_frames = 1024;
constexpr std::size_t most_inlined = 64;  // at one address

/// DWARF's numbers of the registers of elf::Thread::registers (user_regs_struct order), as its psABI has them.
constexpr std::array<unsigned, 17> x86_64_registers{10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
constexpr unsigned x86_64_stack_pointer = 7;
constexpr unsigned x86_64_program_counter = 16;
constexpr unsigned aarch64_registers = 32;  // x0 … x30, sp: the same order
constexpr unsigned aarch64_stack_pointer = 31;

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text, strnlen(text, 4096));
}

struct Free {
  void operator()(void* pointer) const { std::free(pointer); }
};

/// A debugging entry and what it lies in, innermost first; with inlined functions where they were inlined. O(unit).
class Scopes {
 public:
  explicit Scopes(Dwarf_Die entry) { count_ = take(dwarf_getscopes_die(&entry, &all_)); }
  /// Of the code at `pc`.
  Scopes(Dwarf_Die* unit, Dwarf_Addr pc) {
    count_ = take(dwarf_getscopes(unit, pc, &all_));
    if (count_ == 0) return;
    Dwarf_Die innermost = all_[0];  // the others are those of its abstract instance
    *this = Scopes(innermost);
  }
  [[nodiscard]] std::span<Dwarf_Die> all() const { return {all_, count_}; }

 private:
  std::size_t take(int count) {
    owner_.reset(all_);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  Dwarf_Die* all_ = nullptr;
  std::unique_ptr<Dwarf_Die, Free> owner_;
  std::size_t count_ = 0;
};

std::string string_of(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute room;
  return text_of(dwarf_formstring(dwarf_attr_integrate(die, attribute, &room)));
}

/// The declaration that an inlined or out-of-class instance stands for.
Dwarf_Die declaration_of(Dwarf_Die die) {
  for (int steps = 0; steps < 4; ++steps) {
    Dwarf_Attribute room;
    Dwarf_Die next;
    Dwarf_Attribute* link = dwarf_attr(&die, DW_AT_abstract_origin, &room);
    if (link == nullptr) link = dwarf_attr(&die, DW_AT_specification, &room);
    if (link == nullptr || dwarf_formref_die(link, &next) == nullptr) break;
    die = next;
  }
  return die;
}

/// A function's name from its debug information, with its namespaces and classes.
std::string name_of(Dwarf_Die* die) {
  for (const unsigned attribute : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name}) {
    if (const std::string mangled = string_of(die, attribute); !mangled.empty()) return demangle(mangled);
  }
  const Scopes scopes(declaration_of(*die));
  std::string name = string_of(die, DW_AT_name);
  for (std::size_t i = 1; i < scopes.all().size() && !name.empty(); ++i) {
    Dwarf_Die* outer = &scopes.all()[i];
    const int tag = dwarf_tag(outer);
    if (tag != DW_TAG_namespace && tag != DW_TAG_class_type && tag != DW_TAG_structure_type) continue;
    const char* outer_name = dwarf_diename(outer);
    name = (outer_name != nullptr ? text_of(outer_name) : "(anonymous)") + "::" + name;
  }
  return name;
}

int number_of(Dwarf_Die* die, unsigned attribute) {
  Dwarf_Attribute room;
  Dwarf_Word value = 0;
  if (dwarf_formudata(dwarf_attr(die, attribute, &room), &value) != 0 || value > 1u << 30) return 0;
  return static_cast<int>(value);
}

/// The file that a DW_AT_call_file means.
std::string file_of(Dwarf_Die* unit, int index) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (index <= 0 || dwarf_getsrcfiles(unit, &files, &count) != 0 || static_cast<std::size_t>(index) >= count) return {};
  return text_of(dwarf_filesrc(files, static_cast<std::size_t>(index), nullptr, nullptr));
}

}  // namespace

std::string_view to_text(FrameEvidence evidence) {
  switch (evidence) {
    case FrameEvidence::registers: return "registers";
    case FrameEvidence::call_frame_info: return "call frame information";
    case FrameEvidence::frame_pointer: return "frame pointer";
    case FrameEvidence::return_address: break;
  }
  return "return address";
}

/// What libdwfl's callbacks see of the process. Threads go by index + 1: a core's thread ids may repeat or be 0.
struct Unwinder::Process {
  const ProcessImage* image = nullptr;
  const DebugSession* session = nullptr;
  std::array<char, 64> header{};  ///< an ELF header: tells libdwfl the machine
  Elf* elf = nullptr;
  bool attached = false;
  /// What the thread being unwound starts from.
  std::vector<std::uint64_t> registers;
  std::uint64_t program_counter = 0;
  std::uint64_t stack_pointer = 0;

  Process(const ProcessImage& of, const DebugSession& with) : image(&of), session(&with) {
    const auto machine = static_cast<std::uint16_t>(of.core().machine);
    constexpr std::array<char, 16> ident{0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(header.data(), ident.data(), ident.size());
    const auto put = [&](std::size_t at, std::uint16_t value) { std::memcpy(&header[at], &value, sizeof value); };
    put(16, 4);  // ET_CORE
    put(18, machine);
    put(20, 1);
    put(52, 64);
    elf = elf_memory(header.data(), header.size());
    static const Dwfl_Thread_Callbacks callbacks{&next_thread,   &get_thread, &read_word,
                                                 &set_registers, nullptr,     nullptr};
    attached = with.get() != nullptr && elf != nullptr && dwfl_attach_state(with.get(), elf, 1, &callbacks, this);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (elf != nullptr) elf_end(elf);
  }

  static pid_t next_thread(Dwfl*, void* process, void** thread) {
    if (*thread != nullptr) return 0;
    *thread = process;
    return 1;
  }
  static bool get_thread(Dwfl*, pid_t, void* process, void** thread) {
    *thread = process;
    return true;
  }
  static bool read_word(Dwfl*, Dwarf_Addr address, Dwarf_Word* value, void* process) {
    const auto word = static_cast<const Process*>(process)->image->word(address);
    if (word) *value = *word;
    return word.has_value();
  }
  static bool set_registers(Dwfl_Thread* thread, void* self) {
    const auto& process = *static_cast<const Process*>(self);
    if (process.image->core().machine == elf::Machine::aarch64) {
      std::array<Dwarf_Word, aarch64_registers> values{};
      for (unsigned i = 0; i < aarch64_registers; ++i) values[i] = process.registers[i];
      values[aarch64_stack_pointer] = process.stack_pointer;
      dwfl_thread_state_register_pc(thread, process.program_counter);
      return dwfl_thread_state_registers(thread, 0, aarch64_registers, values.data());
    }
    std::array<Dwarf_Word, x86_64_registers.size()> values{};
    for (std::size_t number = 0; number < values.size(); ++number) {
      values[number] = process.registers[x86_64_registers[number]];
    }
    values[x86_64_stack_pointer] = process.stack_pointer;
    values[x86_64_program_counter] = process.program_counter;
    return dwfl_thread_state_registers(thread, 0, static_cast<unsigned>(values.size()), values.data());
  }

  enum class FrameInformation : std::uint8_t { none, ordinary, signal_trampoline };
  /// What the code at `pc` has for finding its caller.
  [[nodiscard]] FrameInformation frame_information(std::uint64_t pc) const {
    const Module* module = session->modules().find(pc);
    Dwfl_Module* handle = module == nullptr ? nullptr : session->find(*module);
    if (handle == nullptr) return FrameInformation::none;
    Dwarf_Addr bias = 0;
    Dwarf_CFI* eh = dwfl_module_eh_cfi(handle, &bias);
    const FrameInformation found = covers(eh, pc - bias);
    if (found != FrameInformation::none) return found;
    Dwarf_CFI* debug = dwfl_module_dwarf_cfi(handle, &bias);
    return covers(debug, pc - bias);
  }

  static FrameInformation covers(Dwarf_CFI* cfi, std::uint64_t pc) {
    Dwarf_Frame* frame = nullptr;
    if (cfi == nullptr || dwarf_cfi_addrframe(cfi, pc, &frame) != 0) return FrameInformation::none;
    const std::unique_ptr<Dwarf_Frame, Free> owner(frame);
    bool is_trampoline = false;
    dwarf_frame_info(frame, nullptr, nullptr, &is_trampoline);
    return is_trampoline ? FrameInformation::signal_trampoline : FrameInformation::ordinary;
  }

  [[nodiscard]] bool is_code(std::uint64_t address) const {
    const ProcessImage::Range* range = image->find(address);
    return range != nullptr && range->executable;
  }
};

Unwinder::Unwinder(const ProcessImage& image, const DebugSession& session, const Symbols& symbols)
    : image_(image), session_(session), symbols_(symbols), process_(std::make_shared<Process>(image, session)) {}

CallStack Unwinder::unwind(std::size_t index) const {
  CallStack stack;
  if (index >= image_.core().threads.size()) return stack;
  const elf::Thread& thread = image_.core().threads[index];
  if (thread.registers.empty()) return stack;
  const bool is_x86_64 = image_.core().machine == elf::Machine::x86_64;
  process_->registers = thread.registers;
  process_->program_counter = thread.program_counter;
  process_->stack_pointer = thread.stack_pointer;

  std::vector<Frame> frames;
  if (is_x86_64 && !process_->is_code(thread.program_counter)) {
    // A call to where no code is (a null function pointer) has done nothing but push its return address.
    const auto caller = image_.word(thread.stack_pointer);
    if (caller && process_->is_code(*caller)) {
      Frame frame;
      frame.program_counter = thread.program_counter;
      frame.stack_pointer = thread.stack_pointer;
      frames.push_back(frame);
      process_->program_counter = *caller;
      process_->stack_pointer += 8;
    }
  }

  struct Walk {
    std::vector<Frame>* frames;
    const Process* process;
    unsigned stack_pointer;
    unsigned registers;  ///< how many the machine has
    bool is_cut;
    bool guessed;  ///< a frame without information lies below
    bool begun;
  } walk{&frames,
         process_.get(),
         is_x86_64 ? x86_64_stack_pointer : aarch64_stack_pointer,
         is_x86_64 ? static_cast<unsigned>(x86_64_registers.size()) : aarch64_registers,
         false,
         false,
         false};
  const auto one = [](Dwfl_Frame* state, void* argument) -> int {
    Walk& to = *static_cast<Walk*>(argument);
    if (to.frames->size() >= most_frames) {
      to.is_cut = true;
      return DWARF_CB_ABORT;
    }
    const bool first = !std::exchange(to.begun, true);
    Frame frame;
    Dwarf_Addr pc = 0;
    bool is_activation = false;
    if (!dwfl_frame_pc(state, &pc, &is_activation)) return DWARF_CB_ABORT;
    if (pc == 0 && !to.frames->empty()) return DWARF_CB_ABORT;  // the end mark of the outermost frame
    frame.program_counter = pc;
    Dwarf_Word sp = 0;
    if (dwfl_frame_reg(state, to.stack_pointer, &sp) == 0) frame.stack_pointer = sp;
    for (unsigned number = 0; number < to.registers; ++number) {
      Dwarf_Word value = 0;
      if (dwfl_frame_reg(state, number, &value) != 0) continue;
      frame.registers.emplace_back(static_cast<std::uint8_t>(number), value);
    }
    if (!to.frames->empty()) {
      Frame& callee = to.frames->back();
      if (to.guessed) {
        // By a frame pointer that is none, anything may come: stacks grow downwards, and calls come from code.
        if (frame.stack_pointer <= callee.stack_pointer || !to.process->is_code(pc)) return DWARF_CB_ABORT;
        // On AArch64 the first guess is the link register: after a call it still points to the frame at hand.
        if (pc == callee.program_counter && callee.evidence != FrameEvidence::frame_pointer &&
            to.process->image->core().machine == elf::Machine::aarch64) {
          return DWARF_CB_OK;
        }
      }
      if (frame.stack_pointer > callee.stack_pointer) callee.stack_end = frame.stack_pointer;
      frame.evidence = to.guessed ? FrameEvidence::frame_pointer : FrameEvidence::call_frame_info;
      if (first) frame.evidence = FrameEvidence::return_address;
    }
    // Interrupted code and the trampoline that a signal handler returns to are not behind a call.
    const auto information = to.process->frame_information(is_activation ? pc : pc - 1);
    if (information == Process::FrameInformation::none) to.guessed = true;
    frame.is_signal_frame = information == Process::FrameInformation::signal_trampoline;
    to.frames->push_back(frame);
    return DWARF_CB_OK;
  };
  if (process_->attached) dwfl_getthread_frames(session_.get(), 1, one, &walk);
  if (frames.empty()) {
    Frame frame;
    frame.program_counter = thread.program_counter;
    frame.stack_pointer = thread.stack_pointer;
    frames.push_back(frame);
  }
  stack.is_cut = walk.is_cut;
  for (const Frame& frame : frames) name(frame, stack);
  return stack;
}

/// What is at an address: the functions inlined there, innermost first, and the one that they are inlined into.
std::vector<Frame> Unwinder::names_at(std::uint64_t address) const {
  std::vector<Frame> found;
  Frame frame;
  frame.module = session_.modules().find(address);
  if (const auto symbol = symbols_.find(address)) frame.function = symbol->name;
  Dwfl_Module* module = frame.module == nullptr ? nullptr : session_.find(*frame.module);
  // Nothing but a file of this machine may say where debug information is: it can name any path to be opened.
  if (module != nullptr && frame.module->in_core.empty()) {
    if (Dwfl_Line* line = dwfl_module_getsrc(module, address)) {
      frame.file = text_of(dwfl_lineinfo(line, nullptr, &frame.line, nullptr, nullptr, nullptr));
    }
    Dwarf_Addr bias = 0;
    if (Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias)) {
      const Scopes scopes(unit, address - bias);
      for (Dwarf_Die& scope : scopes.all()) {
        const int tag = dwarf_tag(&scope);
        if (tag == DW_TAG_subprogram && frame.function.empty()) frame.function = name_of(&scope);
        if (tag != DW_TAG_inlined_subroutine || found.size() >= most_inlined) continue;
        Frame inner = frame;
        inner.is_inlined = true;
        inner.function = name_of(&scope);
        found.push_back(std::move(inner));
        frame.line = number_of(&scope, DW_AT_call_line);
        frame.file = file_of(unit, number_of(&scope, DW_AT_call_file));
      }
    }
  }
  found.push_back(std::move(frame));
  return found;
}

/// Appends the frame and those inlined into it, innermost first.
void Unwinder::name(const Frame& frame, CallStack& stack) const {
  const std::uint64_t pc = frame.program_counter;
  // A return address may belong to the line, or the function, behind the call.
  const bool exact = stack.frames.empty() || stack.frames.back().is_signal_frame || frame.is_signal_frame;
  const std::uint64_t at = exact || pc == 0 ? pc : pc - 1;
  auto known = names_.find(at);
  if (known == names_.end()) known = names_.emplace(at, names_at(at)).first;
  for (const Frame& named : known->second) {
    stack.frames.push_back(frame);
    Frame& added = stack.frames.back();
    added.is_inlined = named.is_inlined;
    if (added.is_inlined) added.registers.clear();
    added.function = named.function;
    added.file = named.file;
    added.line = named.line;
    added.module = named.module;
  }
}

}  // namespace formats

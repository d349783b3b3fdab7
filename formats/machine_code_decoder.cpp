#include "formats/machine_code_decoder.h"

#include <capstone/capstone.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace formats::machine_code {
namespace {

constexpr std::array<std::array<x86_reg, 4>, 16> general_registers{{
    {X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL},
    {X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL},
    {X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL},
    {X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL},
    {X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL},
    {X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL},
    {X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL},
    {X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL},
    {X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B},
    {X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B},
    {X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B},
    {X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B},
    {X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B},
    {X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B},
    {X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B},
    {X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B},
}};
constexpr std::array<x86_reg, 4> high_bytes{X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH};

constexpr std::array<Register, X86_REG_ENDING> register_numbers() {
  std::array<Register, X86_REG_ENDING> numbers{};
  for (Register& number : numbers) number = other_register;
  for (std::size_t number = 0; number < general_registers.size(); ++number) {
    for (const x86_reg part : general_registers[number]) numbers[part] = static_cast<Register>(number);
  }
  for (std::size_t number = 0; number < high_bytes.size(); ++number) {
    numbers[high_bytes[number]] = static_cast<Register>(number);
  }
  for (unsigned i = 0; i < 16; ++i) {
    numbers[X86_REG_XMM0 + i] = numbers[X86_REG_YMM0 + i] = numbers[X86_REG_ZMM0 + i] =
        static_cast<Register>(first_vector + i);
  }
  numbers[X86_REG_RIP] = instruction_pointer;
  numbers[X86_REG_INVALID] = no_register;
  return numbers;
}
constexpr std::array<Register, X86_REG_ENDING> numbers = register_numbers();

Register number_of(unsigned reg) { return reg < numbers.size() ? numbers[reg] : other_register; }

constexpr std::uint32_t bit(Register reg) { return reg < register_count ? std::uint32_t{1} << reg : 0; }

struct EffectOf {
  x86_insn id;
  Effect effect;
};
constexpr EffectOf effects[] = {
    {X86_INS_MOV, Effect::copy},
    {X86_INS_MOVABS, Effect::copy},
    {X86_INS_MOVQ, Effect::copy},
    {X86_INS_VMOVQ, Effect::copy},
    {X86_INS_MOVAPS, Effect::copy},
    {X86_INS_MOVAPD, Effect::copy},
    {X86_INS_MOVUPS, Effect::copy},
    {X86_INS_MOVUPD, Effect::copy},
    {X86_INS_MOVDQA, Effect::copy},
    {X86_INS_MOVDQU, Effect::copy},
    {X86_INS_MOVLPS, Effect::copy},
    {X86_INS_MOVLPD, Effect::copy},
    {X86_INS_VMOVAPS, Effect::copy},
    {X86_INS_VMOVAPD, Effect::copy},
    {X86_INS_VMOVUPS, Effect::copy},
    {X86_INS_VMOVUPD, Effect::copy},
    {X86_INS_VMOVDQA, Effect::copy},
    {X86_INS_VMOVDQU, Effect::copy},
    {X86_INS_LEA, Effect::address},
    {X86_INS_ADD, Effect::add},
    {X86_INS_SUB, Effect::subtract},
    {X86_INS_XOR, Effect::clear},  // of a register with itself: see effect_of()
    {X86_INS_PXOR, Effect::clear},
    {X86_INS_XORPS, Effect::clear},
    {X86_INS_XORPD, Effect::clear},
    {X86_INS_AND, Effect::mask},
    {X86_INS_PUSH, Effect::push},
    {X86_INS_POP, Effect::pop},
    {X86_INS_LEAVE, Effect::leave},
    {X86_INS_PUNPCKLQDQ, Effect::keep_low},
    {X86_INS_VPUNPCKLQDQ, Effect::keep_low},
    {X86_INS_UNPCKLPD, Effect::keep_low},
    {X86_INS_VUNPCKLPD, Effect::keep_low},
    {X86_INS_MOVHPS, Effect::keep_low},
    {X86_INS_MOVHPD, Effect::keep_low},
    {X86_INS_VMOVHPS, Effect::keep_low},
    {X86_INS_VMOVHPD, Effect::keep_low},
    {X86_INS_MOVLHPS, Effect::keep_low},
    {X86_INS_VMOVLHPS, Effect::keep_low},
    {X86_INS_PINSRQ, Effect::keep_low},
    {X86_INS_VPINSRQ, Effect::keep_low},
    {X86_INS_CALL, Effect::call},
    {X86_INS_LCALL, Effect::call},
    {X86_INS_JMP, Effect::jump},
    {X86_INS_LJMP, Effect::jump},
    {X86_INS_RET, Effect::stop},
    {X86_INS_RETF, Effect::stop},
    {X86_INS_UD2, Effect::stop},
    {X86_INS_HLT, Effect::stop},
    {X86_INS_INT3, Effect::stop},
    {X86_INS_NOP, Effect::none},
    {X86_INS_PREFETCHNTA, Effect::none},
    {X86_INS_PREFETCHT0, Effect::none},
    {X86_INS_PREFETCHT1, Effect::none},
    {X86_INS_PREFETCHT2, Effect::none},
    {X86_INS_PREFETCHW, Effect::none},
};

constexpr std::array<Effect, X86_INS_ENDING> effect_table() {
  std::array<Effect, X86_INS_ENDING> table{};
  for (const EffectOf& row : effects) table[row.id] = row.effect;
  for (const x86_insn id : {X86_INS_CMOVA, X86_INS_CMOVAE, X86_INS_CMOVB, X86_INS_CMOVBE, X86_INS_CMOVE, X86_INS_CMOVG,
                            X86_INS_CMOVGE, X86_INS_CMOVL, X86_INS_CMOVLE, X86_INS_CMOVNE, X86_INS_CMOVNO,
                            X86_INS_CMOVNP, X86_INS_CMOVNS, X86_INS_CMOVO, X86_INS_CMOVP, X86_INS_CMOVS}) {
    table[id] = Effect::conditional_copy;
  }
  return table;
}
constexpr std::array<Effect, X86_INS_ENDING> effect_by_id = effect_table();

bool in_group(const cs_detail& detail, std::uint8_t group) {
  return std::find(detail.groups, detail.groups + detail.groups_count, group) != detail.groups + detail.groups_count;
}

/// Reads and writes of operand `i`. Capstone 4.0.2 has no access for some operands, and calls the destination of some
/// stores a read.
std::uint8_t operand_access(const cs_insn& insn, unsigned i) {
  const cs_x86_op& operand = insn.detail->x86.operands[i];
  const bool is_first = i == 0;
  switch (insn.id) {
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVQ:
    case X86_INS_MOVD:
    case X86_INS_MOVAPS:
    case X86_INS_MOVAPD:
    case X86_INS_MOVUPS:
    case X86_INS_MOVUPD:
    case X86_INS_MOVDQA:
    case X86_INS_MOVDQU:
    case X86_INS_MOVSS:
    case X86_INS_MOVNTI:
    case X86_INS_MOVNTPS:
    case X86_INS_MOVNTDQ:
      if (insn.detail->x86.op_count == 2) return is_first ? CS_AC_WRITE : CS_AC_READ;
      break;
    case X86_INS_MOVHPS:
    case X86_INS_MOVHPD:
    case X86_INS_MOVLPS:
    case X86_INS_MOVLPD:
      if (is_first) return operand.type == X86_OP_MEM ? CS_AC_WRITE : CS_AC_READ | CS_AC_WRITE;
      return CS_AC_READ;
    case X86_INS_CMP:
    case X86_INS_TEST:
    case X86_INS_BT:
    case X86_INS_COMISS:
    case X86_INS_COMISD:
    case X86_INS_UCOMISS:
    case X86_INS_UCOMISD:
    case X86_INS_VCOMISS:
    case X86_INS_VCOMISD:
    case X86_INS_VUCOMISS:
    case X86_INS_VUCOMISD:
    case X86_INS_PUSH:
    case X86_INS_CALL:
    case X86_INS_JMP: return CS_AC_READ;
    default: break;
  }
  if (operand.access != CS_AC_INVALID) return operand.access;
  return is_first && insn.detail->x86.op_count > 1 ? CS_AC_READ | CS_AC_WRITE : CS_AC_READ;
}

Operand operand_of(const cs_insn& insn, unsigned i) {
  const cs_x86_op& from = insn.detail->x86.operands[i];
  Operand operand;
  operand.size = from.size;
  const std::uint8_t access = operand_access(insn, i);
  operand.is_read = (access & CS_AC_READ) != 0;
  operand.is_written = (access & CS_AC_WRITE) != 0;
  switch (from.type) {
    case X86_OP_REG:
      operand.kind = Operand::Kind::reg;
      operand.reg = number_of(from.reg);
      break;
    case X86_OP_IMM:
      operand.kind = Operand::Kind::immediate;
      operand.is_written = false;
      operand.value = from.imm;
      break;
    case X86_OP_MEM:
      operand.kind = Operand::Kind::memory;
      operand.base = number_of(from.mem.base);
      // Capstone tells apart no index and "riz"; neither is one.
      operand.index = from.mem.index == X86_REG_RIZ ? no_register : number_of(from.mem.index);
      operand.scale = static_cast<std::uint8_t>(from.mem.scale);
      operand.has_segment = from.mem.segment == X86_REG_FS || from.mem.segment == X86_REG_GS;
      operand.value = from.mem.disp;
      break;
    default: break;
  }
  return operand;
}

Effect effect_of(const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  Effect effect = insn.id < effect_by_id.size() ? effect_by_id[insn.id] : Effect::other;
  if (effect == Effect::clear) {
    const bool same = x86.op_count == 2 && x86.operands[0].type == X86_OP_REG && x86.operands[1].type == X86_OP_REG &&
                      x86.operands[0].reg == x86.operands[1].reg && x86.operands[0].size >= 4;
    if (!same) effect = Effect::other;
  }
  if (effect == Effect::copy && x86.op_count != 2) effect = Effect::other;  // vmovss x, y, z and the like
  if (effect == Effect::other && in_group(*insn.detail, X86_GRP_JUMP)) effect = Effect::branch;
  return effect;
}

/// ecx and up clear the upper half of the register; cl and cx keep the rest. Both change it.
std::uint32_t written_registers(const cs_insn& insn, const Instruction& instruction) {
  std::uint32_t written = 0;
  for (unsigned i = 0; i < insn.detail->regs_write_count; ++i) {
    written |= bit(number_of(insn.detail->regs_write[i]));
  }
  for (unsigned i = 0; i < instruction.operand_count; ++i) {
    const Operand& operand = instruction.operands[i];
    if (operand.kind == Operand::Kind::reg && operand.is_written) written |= bit(operand.reg);
  }
  return written;
}

/// Offset of the 4-byte displacement: in front of the immediate, if there is one, at the end. 0 = none of 4 bytes.
/// Capstone's own `encoding` does not know it for instructions with a mandatory prefix.
std::uint8_t displacement_of(const cs_insn& insn, std::int64_t displacement) {
  for (const unsigned immediate : {0u, 1u, 2u, 4u}) {
    if (insn.size < 6 + immediate) continue;
    const unsigned at = insn.size - 4u - immediate;
    std::int32_t field = 0;
    std::memcpy(&field, &insn.bytes[at], sizeof field);
    if (field == displacement) return static_cast<std::uint8_t>(at);
  }
  return 0;
}

/// Offset of an immediate of 4 or 8 bytes, at the end; 0 = shorter, or none.
std::uint8_t immediate_of(const cs_insn& insn, std::int64_t immediate) {
  std::int64_t whole = 0;
  if (insn.size >= 10) std::memcpy(&whole, &insn.bytes[insn.size - 8], sizeof whole);
  if (insn.size >= 10 && whole == immediate) return static_cast<std::uint8_t>(insn.size - 8);
  std::uint32_t half = 0;
  if (insn.size >= 5) std::memcpy(&half, &insn.bytes[insn.size - 4], sizeof half);
  const bool is_same = insn.size >= 5 && half == static_cast<std::uint32_t>(immediate);
  return is_same ? static_cast<std::uint8_t>(insn.size - 4) : std::uint8_t{0};
}

Instruction instruction_of(const cs_insn& insn) {
  const cs_x86& x86 = insn.detail->x86;
  Instruction instruction;
  instruction.address = insn.address;
  instruction.size = static_cast<std::uint8_t>(insn.size);
  instruction.effect = effect_of(insn);
  instruction.operand_count = static_cast<std::uint8_t>(std::min<unsigned>(x86.op_count, 3));
  for (unsigned i = 0; i < instruction.operand_count; ++i) instruction.operands[i] = operand_of(insn, i);
  for (unsigned i = 0; i < instruction.operand_count; ++i) {
    const Operand& operand = instruction.operands[i];
    if (operand.kind == Operand::Kind::memory) instruction.displacement_at = displacement_of(insn, operand.value);
    if (operand.kind == Operand::Kind::immediate) instruction.immediate_at = immediate_of(insn, operand.value);
  }
  const Operand* memory = instruction.memory();
  instruction.is_locked =
      memory != nullptr && memory->is_written && (x86.prefix[0] == X86_PREFIX_LOCK || insn.id == X86_INS_XCHG);
  instruction.written = written_registers(insn, instruction);
  return instruction;
}

}  // namespace

const Operand* Instruction::memory() const {
  if (effect == Effect::none || effect == Effect::address) return nullptr;
  for (unsigned i = 0; i < operand_count; ++i) {
    if (operands[i].kind == Operand::Kind::memory) return &operands[i];
  }
  return nullptr;
}

std::optional<std::uint64_t> Instruction::target() const {
  if (effect != Effect::call && effect != Effect::jump && effect != Effect::branch) return std::nullopt;
  if (operand_count == 0 || operands[0].kind != Operand::Kind::immediate) return std::nullopt;
  return static_cast<std::uint64_t>(operands[0].value);
}

std::optional<std::uint64_t> Instruction::absolute(const Operand& operand) const {
  if (operand.kind != Operand::Kind::memory || operand.has_segment) return std::nullopt;
  const auto displacement = static_cast<std::uint64_t>(operand.value);
  if (operand.base == instruction_pointer) return end() + displacement;
  if (operand.base == no_register) return displacement;  // an index may be added: of a table
  return std::nullopt;
}

struct Decoder::Engine {
  csh handle = 0;
  cs_insn* instruction = nullptr;

  Engine() {
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) throw InputError("Capstone cannot decode x86-64");
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    instruction = cs_malloc(handle);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    cs_free(instruction, 1);
    cs_close(&handle);
  }

  /// The instruction at the front of `code`, which shrinks by it; false when there is none.
  bool next(Bytes& code, std::uint64_t& address) const {
    const auto* at = reinterpret_cast<const std::uint8_t*>(code.data());
    std::size_t left = code.size();
    if (!cs_disasm_iter(handle, &at, &left, &address, instruction)) return false;
    code = code.last(left);
    return true;
  }
};

Decoder::Decoder() : engine_(std::make_unique<Engine>()) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

std::uint64_t Decoder::decode(Bytes code, std::uint64_t address, std::vector<Instruction>& to) {
  std::uint64_t undecodable = 0;
  while (!code.empty()) {
    if (engine_->next(code, address)) {
      to.push_back(instruction_of(*engine_->instruction));
      continue;
    }
    code = code.subspan(1);
    ++address;
    ++undecodable;
  }
  return undecodable;
}

std::vector<InstructionText> Decoder::to_text(Bytes code, std::uint64_t address, std::size_t count) {
  std::vector<InstructionText> texts;
  while (!code.empty() && texts.size() < count) {
    InstructionText text;
    text.address = address;
    const Bytes before = code;
    if (engine_->next(code, address)) {
      text.text = engine_->instruction->mnemonic;
      if (engine_->instruction->op_str[0] != '\0') text.text += std::string(" ") + engine_->instruction->op_str;
    } else {
      text.text = "(bad)";
      code = code.subspan(1);
      ++address;
    }
    for (const std::byte byte : before.first(before.size() - code.size())) {
      constexpr char digits[] = "0123456789abcdef";
      text.bytes += digits[std::to_integer<unsigned>(byte) >> 4];
      text.bytes += digits[std::to_integer<unsigned>(byte) & 15];
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

bool Decoder::ends_with_call(Bytes before) {
  constexpr std::size_t shortest = 2;
  constexpr std::size_t longest = 7;
  for (std::size_t size = shortest; size <= std::min(longest, before.size()); ++size) {
    Bytes code = before.last(size);
    const auto first = load_u8(code.data());
    // e8 rel32, ff /2, and prefixes of the latter: rex, fs/gs, bnd, notrack, operand size.
    const bool may_be = first == 0xe8 || first == 0xff || (first & 0xf0) == 0x40 || first == 0x64 || first == 0x65 ||
                        first == 0xf2 || first == 0x3e || first == 0x66 || first == 0x67 || first == 0x9a;
    if (!may_be) continue;
    std::uint64_t address = 0;
    if (engine_->next(code, address) && code.empty() && engine_->instruction->id == X86_INS_CALL) return true;
  }
  return false;
}

}  // namespace formats::machine_code

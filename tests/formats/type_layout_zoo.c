/* Structs with holes, padding and bit-fields of every kind, for the comparison with pahole: compiled by the test. */
#include <stdint.h>
#include <stdio.h>

struct plain {
  char first;
  double second;
  short third;
};
struct nested {
  struct plain inner;
  char last;
  struct {
    int unnamed;
    char tail;
  };
};
struct bits {
  unsigned low : 3;
  unsigned high : 7;
  char byte;
  unsigned long wide : 40;
  unsigned : 0;
  unsigned after : 1;
};
struct bits_at_the_end {
  int whole;
  unsigned one : 1;
  unsigned many : 9;
};
struct bits_in_bytes {
  uint8_t a : 2;
  uint8_t b : 7;
  uint8_t c : 1;
  uint16_t d : 12;
};
struct bits_across {
  short first;
  int second : 20;
  long third : 50;
  char fourth;
};
struct __attribute__((packed)) packed {
  char first;
  double second;
  int third : 5;
  int fourth : 30;
};
struct flexible {
  int count;
  char kind;
  double items[];
};
struct aligned {
  char first;
  int second __attribute__((aligned(32)));
  char third;
};
typedef struct {
  char letter;
  void (*call)(struct plain*);
  union {
    int whole;
    char parts[13];
  } either;
  struct nested* next;
} named_by_typedef;
struct long_one {
  char before[70];
  long value;
  named_by_typedef members[3];
};

static struct nested nested;
static struct bits bits;
static struct bits_at_the_end bits_at_the_end;
static struct bits_in_bytes bits_in_bytes;
static struct bits_across bits_across;
static struct packed packed;
static struct aligned aligned;
static struct long_one long_one;

int main(void) {
  static struct flexible* flexible;
  const void* all[] = {&nested, &bits,    &bits_at_the_end, &bits_in_bytes, &bits_across,
                       &packed, &aligned, &long_one,        &flexible};
  printf("%p\n", all[0]);
  return 0;
}

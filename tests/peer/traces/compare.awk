# Joins what is explained, what heapql says and what a reference says of one file by figure. Input: the three files that
# library.sh writes, in this order. Output, with tabs: file, figure, theirs, ours, difference (theirs - ours), verdict, why.
# verdict: equal, explained, "not compared" (heapql has no such figure, or nobody can tell of what it is; it is said why) or FAIL.

FNR == 1 { part++ }
FILENAME ~ /why$/ { differences[++rules] = $2; figures[rules] = $1; reasons[rules] = $3; next }
FILENAME ~ /ours$/ { mine[$1] = $2; next }
{ print file, $1, $2, answer($1, $2, $3) }

function answer(figure, text, format,    rule, difference, sum) {
  rule = rule_of(figure)
  difference = rule ? differences[rule] : 0
  if (!(figure in mine)) {
    if (rule && difference == "absent") return result("", "", "not compared", reasons[rule])
    return result("", "", "FAIL", "heapql does not have it")
  }
  if (difference == "absent") return result(mine[figure], "", "FAIL", "heapql has it: the explanation is out of date")
  if (difference == "partial") {
    difference = 0
    if (!same(text, mine[figure], format)) {
      if (format == "" && text + 0 > mine[figure] + 0) return result(mine[figure], text - mine[figure], "FAIL", "more than all")
      return result(mine[figure], distance(text, mine[figure], format), "not compared", reasons[rule])
    }
  }
  if (format == "text") {
    if (mine[figure] == text) return result(mine[figure], 0, "equal", "")
    return result(mine[figure], "", rule ? "explained" : "FAIL", rule ? reasons[rule] : "differs")
  }
  sum = mine[figure] + difference
  if (!same(text, sum, format)) {
    return result(number(mine[figure]), distance(text, mine[figure], format), "FAIL",
                  (rule ? "not as explained: " reasons[rule] : "differs"))
  }
  if (difference == 0) return result(number(mine[figure]), 0, "equal", "")
  if (format == "" && same(text, mine[figure], format)) {
    return result(number(mine[figure]), 0, "FAIL", "equal: the explanation is out of date")
  }
  return result(number(mine[figure]), number(difference), "explained", reasons[rule])
}

function result(value, difference, verdict, reason) { return value OFS difference OFS verdict OFS reason }

# The last rule that fits: general ones come first.
function rule_of(figure,    i, stem) {
  for (i = rules; i > 0; i--) {
    if (figures[i] == figure) return i
    stem = figures[i]
    if (sub(/\*$/, "", stem) && index(figure, stem) == 1) return i
  }
  return 0
}

function same(text, value, format) {
  if (format == "") { gsub(/[, ]/, "", text); return text + 0 == value + 0 }
  if (format == "hex") return tolower(text) == sprintf("0x%x", value)
  if (format == "prefix1024") { sub(/…$/, "", text); return index(memray(value, 1024), text) == 1 }
  return text == print_as(value, format, text)
}

function print_as(value, format, text) {
  if (format == "decimal") return heaptrack(value)
  if (format == "memray1024") return memray(value, 1024)
  if (format == "memray1000") return memray(value, 1000)
  if (format == "tracemalloc") return tracemalloc(value)
  if (format == "pprof") return pprof(value, text)
  return sprintf(format, value)
}

# What the figures differ by, as far as the printed text says.
function distance(text, value, format) {
  if (format != "") return ""
  gsub(/[, ]/, "", text)
  return number(text - value)
}

function number(value) {
  value += 0
  return value == int(value) ? sprintf("%.0f", value) : sprintf("%.6g", value)
}

# heaptrack: 999B, 10.93M; 1 K is 1000.
function heaptrack(value,    unit) {
  if (value < 1000) return sprintf("%.0fB", value)
  for (unit = 0; value > 1000 && unit < 5; unit++) value /= 1000
  return sprintf("%.2f", value) substr("BKMGTP", unit + 1, 1)
}

# memray: 18.637MB of 1024 and KB up to version 1.18, kB of 1000 from 1.19 on.
function memray(value, base,    unit, names) {
  split((base == 1024 ? "B KB" : "B kB") " MB GB TB", names, " ")
  for (unit = 1; value >= base && unit < 5; unit++) value /= base
  return sprintf("%.3f", value) names[unit]
}

# tracemalloc: three digits and more as they are, fewer with a place after the point.
function tracemalloc(value,    unit, names) {
  split("B KiB MiB GiB TiB", names, " ")
  for (unit = 1; unit < 6; unit++) {
    if (value < 100 && value > -100 && unit > 1) return sprintf("%.1f ", value) names[unit]
    if (value < 10240 && value > -10240) return sprintf("%.0f ", value) names[unit]
    value /= 1024
  }
}

# pprof: all of a report in one unit, which the text says; two places, no zeroes behind the point.
function pprof(value, text,    unit) {
  unit = text
  gsub(/[-0-9.]/, "", unit)
  if (unit == "kB") value /= 1024
  if (unit == "MB") value /= 1048576
  if (unit == "GB") value /= 1073741824
  if (unit == "") return value == int(value) ? sprintf("%.0f", value) : sprintf("%.2f", value)
  text = sprintf("%.2f", value)
  sub(/\.00$/, "", text)
  return text == "0" || text == "-0" ? "0" : text unit
}

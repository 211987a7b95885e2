#include "query/name_text.h"

#include "sql/keywords.h"
#include "sql/rewrite.h"

namespace varve {
namespace {

std::string Quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    out.append(c == quote ? 2 : 1, c);
  }
  out.push_back(quote);
  return out;
}

}  // namespace

std::string DuckDbName(std::string_view name) { return Quoted(name, '"'); }

std::string QuotedName(std::string_view name) { return Quoted(name, '`'); }

std::string BareName(std::string_view name) {
  return IsBareName(name) ? std::string(name) : QuotedName(name);
}

std::string QuotedText(std::string_view text) { return QuoteString(text); }

}  // namespace varve

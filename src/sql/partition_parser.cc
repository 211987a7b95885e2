#include "sql/partition_parser.h"

#include <charconv>

#include "sql/statement_parsers.h"

namespace varve {
namespace {

Result<std::vector<std::string>> ParseHashColumn(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectSymbol('('));
  const size_t offset = cursor.token().offset;
  auto name = cursor.ExpectName("column");
  if (!name || !cursor.TakeSymbol(')')) {
    return cursor.Invalid(offset, "Only column expr in hash partition now: HASH(column)");
  }
  return std::vector<std::string>{*std::move(name)};
}

Result<uint64_t> ParseCount(Cursor& cursor) {
  const Token& token = cursor.token();
  uint64_t count = 0;
  const char* const end = token.text.data() + token.text.size();
  const auto [stop, error] = std::from_chars(token.text.data(), end, count);
  if (token.kind != TokenKind::kNumber || error != std::errc() || stop != end) {
    return cursor.Expected("the number of partitions");
  }
  if (count == 0 || count > kPartitionsMax) {
    return cursor.Invalid(token.offset,
                          count == 0 ? std::string("partition num must be >= 1")
                                     : fmt::format("partition num must be <= MAX_PARTITION_NUM, "
                                                   "num:{}, max:{}",
                                                   count, kPartitionsMax));
  }
  cursor.Advance();
  return count;
}

}  // namespace

Result<PartitionClause> ParsePartition(Cursor& cursor) {
  VARVE_TRY(cursor.ExpectKeyword("PARTITION"));
  VARVE_TRY(cursor.ExpectKeyword("BY"));
  PartitionClause out;
  out.linear = cursor.TakeKeyword("LINEAR");
  if (cursor.TakeKeyword("KEY")) {
    out.method = PartitionMethod::kKey;
    VARVE_ASSIGN(out.columns, ParseNameList(cursor, "column"));
  } else if (cursor.TakeKeyword("HASH")) {
    out.method = PartitionMethod::kHash;
    VARVE_ASSIGN(out.columns, ParseHashColumn(cursor));
  } else if (!out.linear && cursor.TakeKeyword("RANDOM")) {
    out.method = PartitionMethod::kRandom;
  } else {
    return cursor.Expected(out.linear ? "KEY(...) or HASH(...)"
                                      : "KEY(...), HASH(...), RANDOM or LINEAR");
  }
  if (cursor.TakeKeyword("PARTITIONS")) {
    VARVE_ASSIGN(out.count, ParseCount(cursor));
  }
  return out;
}

}  // namespace varve

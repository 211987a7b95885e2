// EXPORT DATABASE and IMPORT DATABASE.
#include "sql/options_parser.h"
#include "sql/statement_parsers.h"

namespace varve {
namespace {

constexpr std::string_view kLocation = "a location in single quotes, as in 's3://bucket/folder'";

// What stands behind the direction.
template <class Transfer>
Result<Statement> ParseTransfer(Cursor& cursor, std::string_view direction) {
  Transfer out;
  VARVE_TRY(cursor.ExpectKeyword("DATABASE"));
  VARVE_TRY(cursor.ExpectKeyword(direction));
  VARVE_ASSIGN(out.location, cursor.ExpectString(kLocation));
  if (cursor.TakeKeyword("WITH") || cursor.AtSymbol('(')) {
    VARVE_ASSIGN(out.options, ParseCopyOptions(cursor));
  }
  return out;
}

}  // namespace

Result<Statement> ParseExport(Cursor& cursor) {
  return ParseTransfer<ExportDatabaseStatement>(cursor, "TO");
}

Result<Statement> ParseImport(Cursor& cursor) {
  return ParseTransfer<ImportDatabaseStatement>(cursor, "FROM");
}

}  // namespace varve

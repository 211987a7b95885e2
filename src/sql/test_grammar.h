// StatementGrammar: random statements of the dialect, right by its grammar. For tests only.
#pragma once

#include <array>
#include <random>
#include <string>
#include <string_view>

namespace varve {

// One thread. The same seed gives the same statements.
class StatementGrammar {
 public:
  explicit StatementGrammar(uint64_t seed) : random_(seed) {}

  std::string Next() {
    depth_ = 0;
    switch (Below(14)) {
      case 0:
      case 1:
        return CreateTable();
      case 2:
      case 3:
        return Insert();
      case 4:
        return Alter();
      case 5:
        return "DELETE FROM " + Table() + Maybe(" WHERE " + Expression());
      case 6:
        return OneOf({"CREATE VIEW ", "CREATE OR REPLACE VIEW ", "CREATE VIEW IF NOT EXISTS "}) +
               Table() + Maybe(" (" + Names() + ")") + " AS " + Query();
      case 7:
        return Copy();
      case 8:
        return Drop();
      case 9:
        return Show();
      case 10:
        return OneOf({"EXPLAIN ", "EXPLAIN VERBOSE ", "explain analyze "}) + Query();
      case 11:
        return OneOf({"TRUNCATE ", "TRUNCATE TABLE "}) + Table();
      default:
        return Query();
    }
  }

 private:
  static constexpr size_t kDepthMax = 4;

  size_t Below(size_t limit) { return random_() % limit; }
  bool Chance(size_t percent) { return Below(100) < percent; }
  std::string Maybe(std::string text) { return Chance(50) ? text : std::string(); }
  std::string OneOf(std::initializer_list<std::string_view> texts) {
    return std::string(texts.begin()[Below(texts.size())]);
  }
  template <class Make>
  std::string List(size_t most, const Make& make) {
    std::string text = make();
    for (size_t more = Below(most); more > 0; --more) {
      text += OneOf({", ", ",", " ,\n"}) + make();
    }
    return text;
  }

  std::string Name() {
    return OneOf({"a", "b", "host", "`select`", "`a``b`", "温度", "`two words`", "T", "usage",
                  "`7d`", "_x", "`🌡️`", "`'`", "`\"`"});
  }
  std::string Names() {
    return List(3, [&] { return Name(); });
  }
  std::string Table() {
    return Maybe(Chance(20) ? OneOf({"horaedb.public.", "varve.s."}) : OneOf({"s.", "`a b`."})) +
           Name();
  }
  std::string Text() {
    return OneOf({"'x'", "\"y\"", "''", "'it''s'", "\"a\"\"b\"", "$$d$$", "'; --'", "E'\\n'"});
  }
  std::string Number() { return OneOf({"0", "1", "-2", "1.5e3", ".5", "18446744073709551615"}); }

  std::string Type() {
    return OneOf({"timestamp", "double", "float", "string", "varbinary", "bigint", "int UNSIGN",
                  "tinyint", "uint64", "boolean", "date", "time", "INT8"});
  }
  std::string Column() {
    std::string text = Name() + " " + Type();
    if (Chance(40)) {
      text += OneOf({" NOT NULL", " NULL", " TAG", " NOT NULL TAG", " TAG NULL"});
    }
    if (Chance(30)) {
      text += " DEFAULT " + Value();
    }
    return text + (Chance(20) ? " COMMENT " + OneOf({"'c'", "\"it's\""}) : "");
  }
  std::string Options() {
    return List(3, [&] {
      return OneOf({"ttl='7d'", "enable_ttl=false", "update_mode = APPEND", "x=NULL", "`y z`=1",
                    "snapshot.num-retained.min = 3"});
    });
  }

  std::string CreateTable() {
    std::string text =
        OneOf({"CREATE TABLE ", "create table if not exists ", "CREATE TABLE IF NOT EXIST "}) +
        Table() + " (" + List(5, [&] { return Column(); });
    if (Chance(40)) {
      text += ", " + Maybe("CONSTRAINT k ") + "PRIMARY KEY(" + Names() + ")";
    }
    if (Chance(60)) {
      text += ", TIMESTAMP KEY(" + Name() + ")";
    }
    text += Maybe(",") + ")";
    text += Maybe(" ENGINE=Analytic");
    // Options may come twice by chance, which is no statement: one at most here.
    return text +
           (Chance(40) ? OneOf({" WITH (ttl='1d')", " WITH(enable_ttl=false)", " WITH ()"}) : "");
  }

  std::string Insert() {
    const size_t columns = 1 + Below(4);
    std::string text = OneOf({"INSERT INTO ", "INSERT INTO TABLE ", "insert "}) + Table();
    if (Chance(30)) {
      return text + " " + Query();
    }
    text += " VALUES ";
    return text + List(3, [&] {
             std::string row = "(" + Value();
             for (size_t i = 1; i < columns; ++i) {
               row += ", " + Value();
             }
             return row + ")";
           });
  }
  std::string Value() {
    switch (Below(6)) {
      case 0:
        return Text();
      case 1:
        return OneOf({"NULL", "true", "FALSE", "x'0aff'", "X''"});
      case 2:
        return "(" + Expression() + ")";
      default:
        return Number();
    }
  }

  std::string Alter() {
    std::string text = "ALTER TABLE " + Maybe("IF EXISTS ") + Table();
    switch (Below(5)) {
      case 0:
        return text + " ADD COLUMN " + Column();
      case 1:
        return text + " ADD COLUMN (" + List(3, [&] { return Column(); }) + ")";
      case 2:
        return text + " RENAME TO " + Name();
      case 3:
        return text + " RENAME COLUMN " + Name() + " TO " + Name();
      default:
        return text + OneOf({" DROP COLUMN a", " DROP a, DROP b", " DROP COLUMN IF EXISTS (a, b)",
                             " MODIFY SETTING ttl='1d', x = 2"});
    }
  }

  std::string Copy() {
    const std::string options =
        OneOf({"", " (FORMAT csv, HEADER)", " WITH (FORMAT = parquet)", " (DELIMITER ';')"});
    switch (Below(4)) {
      case 0:
        return "COPY " + Table() + " FROM 'x.csv'" + options;
      case 1:
        return "COPY " + Table() + " (" + Names() + ") TO 'x'" + options;
      case 2:
        return "COPY (" + Query() + ") TO \"x\"" + options;
      default:
        return "COPY DATABASE " + Name() + " TO 'dir' WITH (START_TIME = '2020-01-01')";
    }
  }

  std::string Drop() {
    return OneOf({"DROP TABLE ", "DROP TABLE IF EXISTS ", "DROP VIEW ", "drop view if exists "}) +
           Table();
  }
  std::string Show() {
    return OneOf({"SHOW CREATE TABLE ", "SHOW CREATE VIEW ", "DESC ", "DESCRIBE TABLE ", "EXISTS ",
                  "EXISTS TABLE ", "COMPACT TABLE "}) +
           Table();
  }

  std::string Expression() {
    if (++depth_ > kDepthMax) {
      return Name();
    }
    std::string text;
    switch (Below(9)) {
      case 0:
        text = Expression() + OneOf({" + ", "*", " - ", "||", " // ", "->>", " % "}) + Expression();
        break;
      case 1:
        text = Expression() + OneOf({" = ", ">=", "<>", " AND ", " OR ", " IS DISTINCT FROM "}) +
               Expression();
        break;
      case 2:
        text = OneOf({"max(", "upper(", "`now`(", "coalesce("}) + Expression() + ")";
        break;
      case 3:
        text = Expression() + " IN (" + List(3, [&] { return Expression(); }) + ")";
        break;
      case 4:
        text = "CASE WHEN " + Expression() + " THEN " + Expression() + " ELSE NULL END";
        break;
      case 5:
        text = OneOf({"EXTRACT(year FROM a)", "[1, 2][1]", "{x: 1}", "x'00'", "INTERVAL 1 DAY",
                      "CAST(a AS int)", "a::DATE", "TIMESTAMP '2020-01-01'", "-1", "NOT true"});
        break;
      case 6:
        text = Text();
        break;
      case 7:
        text = Table();
        break;
      default:
        text = "(" + Query() + ")";
    }
    --depth_;
    return text;
  }

  std::string Query() {
    if (++depth_ > kDepthMax) {
      --depth_;
      return "SELECT 1";
    }
    std::string text = Chance(15) ? "WITH \"c\" AS (" + Query() + ") SELECT " : "SELECT ";
    text += List(3, [&] { return Chance(20) ? "*" : Expression() + Maybe(" AS \"q\""); });
    if (Chance(80)) {
      text += " FROM " + Table() + Maybe(" JOIN " + Table() + " USING (\"id\")");
      text += Chance(50) ? " WHERE " + Expression() : "";
      text += Chance(20) ? " GROUP BY 1 HAVING " + Expression() : "";
      text += Maybe(" ORDER BY 1 DESC") + OneOf({"", " LIMIT 5", " LIMIT 1, 2", " /* ; */", ""});
    }
    --depth_;
    return text;
  }

  std::mt19937_64 random_;
  size_t depth_ = 0;
};

}  // namespace varve

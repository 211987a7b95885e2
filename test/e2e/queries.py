"""Twenty questions on nycflights13 that Varve and stock DuckDB must answer alike, in the same words."""

import datetime
import decimal
import math

WEATHER = {
    "rows": "SELECT count(*), count(temp), count(wind_gust), min(time_hour), max(time_hour) FROM weather",
    "daily mean temperature": """
        SELECT origin, date_trunc('day', time_hour) AS date, avg(temp) AS mean FROM weather
        GROUP BY origin, date ORDER BY origin, date""",
    "the ten gustiest hours": """
        SELECT origin, time_hour, wind_gust FROM weather WHERE wind_gust IS NOT NULL
        ORDER BY wind_gust DESC, time_hour, origin LIMIT 10""",
    "the last reading of each airport": """
        SELECT w.origin, w.time_hour, w.temp, w.humid FROM weather w
        JOIN (SELECT origin, max(time_hour) AS t FROM weather GROUP BY origin) l
        ON w.origin = l.origin AND w.time_hour = l.t ORDER BY w.origin""",
    "one airport, one day, all columns": """
        SELECT origin, year, month, day, hour, temp, dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure,
        visib, time_hour FROM weather
        WHERE origin = 'JFK' AND time_hour >= TIMESTAMP '2013-07-04 00:00:00' AND time_hour < TIMESTAMP '2013-07-05 00:00:00'
        ORDER BY time_hour""",
    "nulls": """
        SELECT origin, count(*) - count(pressure) AS p, count(*) - count(wind_gust) AS g, count(*) - count(temp) AS t
        FROM weather GROUP BY origin ORDER BY origin""",
    "rain by month": "SELECT month, sum(precip) AS rain, max(precip) AS most FROM weather GROUP BY month ORDER BY month",
    "cold and windy": """
        SELECT time_hour, origin, temp, wind_speed FROM weather WHERE temp < 15 AND wind_speed > 20
        ORDER BY time_hour, origin""",
    "moving average": """
        SELECT time_hour, avg(temp) OVER (ORDER BY time_hour ROWS BETWEEN 23 PRECEDING AND CURRENT ROW) AS mean
        FROM weather WHERE origin = 'LGA' AND month = 3 ORDER BY time_hour""",
    "airports beside each other": """
        SELECT a.time_hour, a.temp - b.temp AS difference FROM weather a JOIN weather b ON a.time_hour = b.time_hour
        WHERE a.origin = 'EWR' AND b.origin = 'JFK' AND a.day = 15 ORDER BY a.time_hour""",
}

FLIGHTS = {
    "rows": "SELECT count(*), count(dep_delay), sum(distance), min(time_hour), max(time_hour) FROM flights",
    "delay by carrier": """
        SELECT carrier, count(*) AS n, avg(arr_delay) AS late, max(dep_delay) AS worst FROM flights
        GROUP BY carrier ORDER BY carrier""",
    "busiest routes": """
        SELECT origin, dest, count(*) AS n FROM flights GROUP BY origin, dest ORDER BY n DESC, origin, dest LIMIT 25""",
    "one flight, all year": """
        SELECT time_hour, carrier, flight, origin, dest, tailnum, dep_time, arr_time, air_time, distance FROM flights
        WHERE carrier = 'UA' AND flight = '1545' ORDER BY time_hour, origin, dest""",
    "cancelled by month": """
        SELECT month, count(*) AS n FROM flights WHERE dep_time IS NULL GROUP BY month ORDER BY month""",
    "hours of a day": """
        SELECT hour, avg(dep_delay) AS late, quantile_cont(dep_delay, 0.5) AS middle FROM flights
        GROUP BY hour ORDER BY hour""",
    "last flight of each plane": """
        SELECT tailnum, max(time_hour) AS t, count(DISTINCT dest) AS places FROM flights WHERE tailnum IS NOT NULL
        GROUP BY tailnum ORDER BY tailnum""",
    "one week": """
        SELECT date_trunc('day', time_hour) AS date, origin, count(*) AS n, sum(air_time) AS minutes FROM flights
        WHERE time_hour >= TIMESTAMP '2013-12-20 00:00:00' AND time_hour < TIMESTAMP '2013-12-27 00:00:00'
        GROUP BY date, origin ORDER BY date, origin""",
    "late in the rain": """
        SELECT f.origin, w.precip > 0 AS rain, count(*) AS n, avg(f.dep_delay) AS late FROM flights f
        JOIN weather w ON f.origin = w.origin AND f.time_hour = w.time_hour
        WHERE f.dep_delay IS NOT NULL GROUP BY f.origin, rain ORDER BY f.origin, rain""",
    "the farthest": """
        WITH far AS (SELECT DISTINCT dest, distance FROM flights WHERE distance > 2500)
        SELECT dest, max(distance) AS d FROM far GROUP BY dest ORDER BY d DESC, dest""",
}


def normal(value):
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return value


def alike(a, b) -> bool:
    a, b = normal(a), normal(b)
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return type(a) is type(b) and a == b


def assert_same_rows(name, found, expected):
    """Two Arrow tables, value by value; floats within the rounding of another order of adding up."""
    got = list(zip(*(column.to_pylist() for column in found.columns)))
    want = list(zip(*(column.to_pylist() for column in expected.columns)))
    assert len(got) == len(want), f"{name}: {len(got)} rows, DuckDB has {len(want)}"
    for number, (a, b) in enumerate(zip(got, want)):
        assert len(a) == len(b) and all(map(alike, a, b)), f"{name}, row {number}: {a}, DuckDB has {b}"

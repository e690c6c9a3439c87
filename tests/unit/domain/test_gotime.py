"""Durations and times: tables of what Go's own parsers answered, and properties."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.domain import gotime
from archiver.domain.gotime import NotADuration, NotATime

_INT64 = st.integers(-(2**63), 2**63 - 1)
_BEFORE_YEAR_1 = -62_135_596_800_000_000_000 - 1
_AFTER_YEAR_9999 = 253_402_300_800_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("0s", 0),
        ("1.5s", 1_500_000_000),
        ("5m3s", 303_000_000_000),
        ("1h2m3.5s", 3_723_500_000_000),
        (".5s", 500_000_000),
        ("-.5s", -500_000_000),
        ("1.s", 1_000_000_000),
        ("-1h30m", -5_400_000_000_000),
        ("+5s", 5_000_000_000),
        ("100ns", 100),
        ("1h0m0.000000001s", 3_600_000_000_001),
        ("1m1h", 3_660_000_000_000),
        ("1s1s", 2_000_000_000),
        ("007s", 7_000_000_000),
        ("3us", 3_000),
        ("3\u00b5s", 3_000),
        ("3\u03bcs", 3_000),
        ("3ms", 3_000_000),
        ("0" * 5_000 + "1s", 1_000_000_000),
    ],
)
def test_reads_the_durations_go_reads(text: str, nanoseconds: int) -> None:
    assert gotime.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1.9ns", 1),
        ("-1.9ns", -1),
        ("0.9us", 900),
        ("0." + "0" * 400 + "1h", 0),
        ("1.0000000000000000000000000000001s", 1_000_000_000),
        # The exact quotient would be 999,999,999: Go divides as float64, and rounds up on the way.
        ("0.99999999999999999999s", 1_000_000_000),
        ("0.9223372036854775807h", 3_320_413_933_267),
        ("0.9223372036854775808h", 3_320_413_933_267),
        ("0.92233720368547758079h", 3_320_413_933_267),
        ("2562047h47m16.8547758079s", 2**63 - 1),
    ],
)
def test_cuts_fractions_where_go_cuts_them(text: str, nanoseconds: int) -> None:
    assert gotime.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("9223372036854775807ns", 2**63 - 1),
        ("-9223372036854775808ns", -(2**63)),
        ("2562047h47m16.854775807s", 2**63 - 1),
        ("-2562047h47m16.854775808s", -(2**63)),
    ],
)
def test_reads_up_to_the_ends_of_int64(text: str, nanoseconds: int) -> None:
    assert gotime.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775808ns",
        "+9223372036854775808ns",
        "-9223372036854775809ns",
        "2562048h",
        "9223372036854775807ns0.9s",
        "1" * 5_000 + "s",
        # Go's own sum wraps round to 0 here; a guess at the writer's mind would be no better.
        "9223372036854775808ns9223372036854775808ns",
    ],
)
def test_refuses_durations_beyond_int64(text: str) -> None:
    with pytest.raises(NotADuration, match="292 years"):
        gotime.parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+",
        ".",
        "s",
        ".s",
        "-.s",
        "1..s",
        "5",
        "00",
        "1.5",
        "5M",
        "5S",
        "3d",
        "2w",
        "1 year",
        "1:30",
        "1s ago",
        "PT5M",
        "1e3s",
        " 1s",
        "1s ",
        "1s\n",
        "1 s",
        "--1s",
        "+-1s",
        "1s-1s",
        "1h 30m",
        "1,5s",
        "1_0s",
        "\u0663s",
        "\uff11s",
        "\u00b2s",
        "1s5",
        "1sm",
        "0\x00",
        "infinity",
        "\ud800",
    ],
)
def test_refuses_what_go_refuses_as_a_duration(text: str) -> None:
    with pytest.raises(NotADuration, match="is no Go duration"):
        gotime.parse_duration(text)


def test_a_refusal_names_the_value_cut_to_a_readable_length() -> None:
    with pytest.raises(NotADuration) as refused:
        gotime.parse_duration("3d" * 500_000)
    assert str(refused.value).startswith(f"'{'3d' * 20}'… (1,000,000 characters) is no Go duration")
    assert len(str(refused.value)) < 200


def test_a_long_run_of_digits_without_a_unit_is_refused_without_trying_every_division() -> None:
    with pytest.raises(NotADuration):
        gotime.parse_duration("1" * 1_000_000)


@given(_INT64)
def test_reads_back_any_number_of_nanoseconds(nanoseconds: int) -> None:
    assert gotime.parse_duration(f"{nanoseconds}ns") == nanoseconds


@given(
    st.lists(
        st.tuples(st.integers(0, 10**5), st.sampled_from(["h", "m", "s", "ms", "us", "µs", "ns"])),
        min_size=1,
        max_size=4,
    )
)
def test_a_duration_is_the_sum_of_its_terms(terms: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in terms)
    assert gotime.parse_duration(text) == sum(
        gotime.parse_duration(f"{number}{unit}") for number, unit in terms
    )
    assert gotime.parse_duration(f"-{text}") == -gotime.parse_duration(text)


@given(st.text(alphabet="0123456789.+-hmsnuµ μe", max_size=12))
def test_whatever_the_text_it_is_a_duration_or_refused(text: str) -> None:
    try:
        nanoseconds = gotime.parse_duration(text)
    except NotADuration as refused:
        assert repr(text) in str(refused)  # noqa: PT017 -- either end is right
    else:
        assert -(2**63) <= nanoseconds < 2**63


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "PT0S"),
        (999, "PT0S"),
        (1_000, "PT0.000001S"),
        (-1, "PT-0.000001S"),
        (-500_000_000, "PT-0.5S"),
        (1_500_000_000, "PT1.5S"),
        (1_999_999_999, "PT1.999999S"),
        (-1_000_000_001, "PT-1.000001S"),
        (3_600_000_000_000, "PT3600S"),
        (10_000_000_000, "PT10S"),
        (8_589_934_591_999_999_999, "PT8589934591.999999S"),
        (8_589_934_592_000_001_000, "PT2386092H3392.000001S"),
        (-(2**63), "PT-2562047H-2836.854776S"),
    ],
)
def test_a_duration_is_written_for_postgresql_floored_to_microseconds(
    nanoseconds: int, text: str
) -> None:
    assert gotime.iso8601(nanoseconds) == text


@given(st.integers(-(10**18), 10**18))
def test_the_iso_text_is_never_more_and_less_than_a_microsecond_under_the_duration(
    nanoseconds: int,
) -> None:
    written = gotime.parse_duration(gotime.iso8601(nanoseconds)[2:].lower().replace("-", "", 1))
    sign = -1 if nanoseconds < 0 else 1
    assert 0 <= nanoseconds - sign * written < 1_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2024-01-01T00:00:00Z", 1_704_067_200_000_000_000),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000_000_000),
        ("2024-01-01T00:00:00.123456789Z", 1_704_067_200_123_456_789),
        ("2024-01-01T00:00:00.5Z", 1_704_067_200_500_000_000),
        ("2024-01-01T00:00:00.1234567899Z", 1_704_067_200_123_456_789),
        ("2024-01-01T02:00:00+02:00", 1_704_067_200_000_000_000),
        ("2024-01-01T00:00:00.000000001-23:59", 1_704_153_540_000_000_001),
        ("2024-01-01T00:00:00-00:00", 1_704_067_200_000_000_000),
        ("1969-12-31T23:59:59.9999999999Z", -1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
    ],
)
def test_reads_rfc_3339_times_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert gotime.parse_time(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "infinity",
        "today",
        "1704067200",
        "2024-01-01",
        "2024-01-01 00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00 Z",
        " 2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "2024-01-01t00:00:00Z",
        "2024-01-01T00:00:00z",
        "20240101T000000Z",
        "2024-W01-1T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T23:60:00Z",
        "2024-01-01T23:59:60Z",
        "2024-01-01T1:00:00Z",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T00:00:00+0100",
        "2024-01-01T00:00:00+01",
        "2024-01-01T00:00:00+01:00:00",
        "2024-01-01T00:00:00\u221201:00",
        "\u0662024-01-01T00:00:00Z",
        # These lie in the year 0 and the year 10000 of UTC.
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_refuses_what_is_no_time_of_the_years_1_to_9999(text: str) -> None:
    with pytest.raises(NotATime, match="is no RFC 3339 time"):
        gotime.parse_time(text)


def test_a_refused_time_is_named_cut_to_a_readable_length() -> None:
    with pytest.raises(NotATime) as refused:
        gotime.parse_time("2024-01-01T00:00:00." + "0" * 1_000_000)
    assert "1,000,020 characters" in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_704_067_200_120_000_000, "2024-01-01T00:00:00.12Z"),
        (_BEFORE_YEAR_1 + 1, "0001-01-01T00:00:00Z"),
        (_AFTER_YEAR_9999 - 1, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_a_time_is_written_with_as_many_digits_as_it_needs(nanoseconds: int, text: str) -> None:
    assert gotime.format_time(nanoseconds) == text


@given(st.integers(_BEFORE_YEAR_1 + 1, _AFTER_YEAR_9999 - 1))
def test_a_time_that_is_written_reads_back(nanoseconds: int) -> None:
    assert gotime.parse_time(gotime.format_time(nanoseconds)) == nanoseconds


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001
    st.integers(-1439, 1439),
)
def test_reads_what_python_writes_in_any_zone(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert gotime.to_datetime(gotime.parse_time(aware.isoformat())) == aware


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_datetime_survives_the_way_to_nanoseconds_and_back(moment: datetime) -> None:
    assert gotime.to_datetime(gotime.from_datetime(moment)) == moment


@given(st.integers(_BEFORE_YEAR_1 + 1, _AFTER_YEAR_9999 - 1))
def test_a_datetime_is_floored_to_microseconds(nanoseconds: int) -> None:
    moment = gotime.to_datetime(nanoseconds)
    assert moment.tzinfo is UTC
    assert 0 <= nanoseconds - gotime.from_datetime(moment) < 1_000


@pytest.mark.parametrize("nanoseconds", [_BEFORE_YEAR_1, _AFTER_YEAR_9999])
def test_no_datetime_lies_outside_the_years_1_to_9999(nanoseconds: int) -> None:
    with pytest.raises(OverflowError):
        gotime.to_datetime(nanoseconds)
    with pytest.raises(OverflowError):
        gotime.format_time(nanoseconds)


def test_a_naive_datetime_is_no_moment() -> None:
    with pytest.raises(TypeError):
        gotime.from_datetime(datetime(2024, 1, 1))  # noqa: DTZ001 -- the fault to be refused

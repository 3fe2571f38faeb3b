"""The watch over a line: stakes that don't grow while nothing changes, alarms that name their cause."""

from __future__ import annotations

import json
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from snag.core.ranks import place_of
from snag.drift.bets import BETS, WATCH, Stake
from snag.drift.history import History
from snag.drift.martingale import CAUSES, PROPERTIES, Martingale, Watch, cause_of, watch_of


class Line:
    """A made-up line: scores, exposure and sharpness are bell-shaped, and changes move them."""

    def __init__(self, seed, count=64, defects=0.01, digits=None):
        self.random = np.random.default_rng(seed)
        self.digits, self.usual_defects = digits, defects
        self.known = {name: sorted(self.value(0.0) for _ in range(count)) for name in PROPERTIES}
        self.watch = Watch(f"line-{seed}")

    def value(self, shift):
        value = self.random.normal() + shift
        return value if self.digits is None else round(value, self.digits)

    def picture(self, defects=None, **shifts):
        """One more part; the alarm that it raises."""
        values = {name: self.value(shifts.get(name, 0.0)) for name in PROPERTIES}
        if self.random.random() < (self.usual_defects if defects is None else defects):
            values["score"] = self.value(4.0)
        return self.watch.see({name: place_of(value, self.known[name]) for name, value in values.items()})

    def alarm(self, pictures, **change):
        """The first alarm among so many pictures."""
        return next((alarm for _ in range(pictures) if (alarm := self.picture(**change))), None)


class TestStakes:
    @pytest.mark.parametrize(("name", "index"), [(name, index) for name, bets in BETS.items() for index in range(len(bets))])
    def test_every_bet_is_fair(self, name, index):
        """On average over uniform p-values a stake stays what it is, and it never falls below nothing."""
        bet = BETS[name][index]
        average, _ = integrate.quad(bet, 0, 1, points=[0.01, 0.02, 0.03, 0.1, 0.3, 0.7, 0.9, 0.91, 0.98], limit=200)

        shares = np.linspace(0, 1, 1001)
        assert average == pytest.approx(1.0, abs=1e-6)
        assert all(bet(p) >= 0 for p in shares)
        assert bet(shares) == pytest.approx([bet(float(p)) for p in shares])

    @given(st.lists(st.floats(0, 1, exclude_max=True), max_size=60))
    def test_a_stake_is_the_mean_of_bets_begun_with_each_picture(self, values):
        """The slow way: a bet of every kind begun before every picture, each with an equal share of the whole watch."""
        bets = BETS["defects"]
        stake = Stake(bets, [0.0] * len(bets))
        for p in values:
            stake.bet(p)

        begun = [math.prod(bet(p) for p in values[start:]) for start in range(len(values)) for bet in bets]
        expected = 1 - len(values) / WATCH + sum(begun) / len(bets) / WATCH
        assert stake.value == pytest.approx(expected)

    def test_quiet_lines_raise_no_alarm(self):
        """Of 1,000 whole watches one may; here are 60 beginnings, every other with ties."""
        alarms = [Line(seed, 40, defects=0.0, digits=1 if seed % 2 else None).alarm(600) for seed in range(60)]

        assert alarms == [None] * 60

    def test_the_bound_is_not_idle(self):
        """Stakes as they would be with an alarm level of 20: of quiet lines at most one in 20 gets there."""
        random, reached = np.random.default_rng(0), 0
        for _ in range(300):
            bets = BETS["parts"]
            stake, top = Stake(bets, [1 / len(bets)] * len(bets), 0.0), 1.0
            for p in random.random(150):
                stake.bet(p)
                top = max(top, stake.value)
            reached += top >= 20

        assert 0 < reached <= 300 / 20 + 4.5 * math.sqrt(300 / 20)


class TestAlarms:
    @pytest.mark.parametrize(
        ("change", "cause", "within"),
        [
            ({"exposure": -2.5}, "pictures", 40),
            ({"exposure": 2.5, "score": 1.5}, "pictures", 40),
            ({"sharpness": -3.0, "score": 2.0}, "pictures", 30),
            ({"score": 1.0}, "parts", 150),
            ({"score": 5.0}, "parts", 30),
            ({"score": -1.0}, "parts", 150),
            ({"defects": 0.15}, "defects", 700),
        ],
        ids=["lamp", "lamp that changes scores", "defocus", "surface", "another part", "cleaner parts", "defects"],
    )
    def test_cause_and_delay(self, change, cause, within):
        """After 3,000 quiet pictures each change is noticed, and named for what it is on seven of eight lines."""
        causes, delays = Counter(), []
        for seed in range(8):
            line = Line(seed)
            assert line.alarm(3000) is None
            alarm = line.alarm(3000, **change)
            causes[alarm.cause] += 1
            delays.append(alarm.pictures - 3000)

        assert causes[cause] >= 7
        assert np.median(delays) <= within

    def test_the_next_watch_begins_with_the_alarm(self):
        """While the change stays, alarms go on; when it goes, they end."""
        line = Line(3)
        line.alarm(500)
        line.alarm(500, exposure=-4.0)
        again = line.alarm(500, exposure=-4.0)

        assert again.cause == "pictures"
        assert line.watch.alarms == {"pictures": 2, "parts": 0, "defects": 0}
        assert (line.alarm(1000), line.watch.seen - line.watch.begun) == (None, 1000)

    def test_a_watch_ends_by_itself(self, monkeypatch):
        """After WATCH pictures the next begins, with nothing but the calibration."""
        monkeypatch.setattr("snag.drift.martingale.WATCH", 50)
        line = Line(1)
        line.alarm(70)

        assert (line.watch.seen, line.watch.begun) == (70, 50)
        assert line.watch.martingale.histories["score"].cells.sum() == 65 + 20

    def test_without_looks(self):
        """A model that knows nothing of its pictures' looks is watched by its scores alone."""
        line = Line(5)
        alarm = next(a for _ in range(200) if (a := line.watch.see({"score": place_of(line.value(6.0), line.known["score"])})))

        assert alarm.cause == "parts"
        assert alarm.evidence["exposure"] == 0.0

    def test_another_number_of_calibration_pictures(self):
        """A worker of the version before may still answer: its places count in a history of their own."""
        watch = Watch("a")
        watch.see({"score": (3, 3, 65)})
        watch.see({"score": (3, 3, 41)})

        assert watch.martingale.histories["score"].count == 41


class TestCause:
    @pytest.mark.parametrize(
        ("evidence", "cause"),
        [
            ({"exposure": 9.0, "sharpness": 0.0, "parts": 3.0, "defects": 8.0}, "pictures"),
            ({"exposure": 0.0, "sharpness": 5.0, "parts": 9.0, "defects": 8.0}, "pictures"),
            ({"exposure": 0.0, "sharpness": 1.0, "parts": 5.0, "defects": 9.0}, "parts"),
            ({"exposure": 0.0, "sharpness": -0.1, "parts": 1.0, "defects": 9.0}, "defects"),
        ],
    )
    def test_what_explains_the_rest_comes_first(self, evidence, cause):
        """Other pictures change the scores, other parts the share of suspicious ones; not the other way round."""
        assert cause_of(evidence) == cause
        assert cause in CAUSES


class TestState:
    def test_kept_as_if_nothing_had_happened(self):
        """Written and read in between, the watch goes on to the same alarm; the numbers drawn are those of the log."""
        through, broken = Line(7), Line(7)
        for _ in range(300):
            through.picture()
            broken.picture()
        broken.watch = watch_of(json.loads(json.dumps(broken.watch.state())))

        assert through.alarm(500, score=1.5) == broken.alarm(500, score=1.5)
        assert through.watch.state() == broken.watch.state()

    @pytest.mark.parametrize(
        "change",
        [
            {"stakes": {}},
            {"seen": "x"},
            {"histories": {"score": ["x"]}},
            {"histories": {"score": []}},
            {"histories": {"score": [1, 0]}},
            {"alarms": None},
        ],
    )
    def test_other_states(self, change):
        """What is no state is refused."""
        state = Line(1).watch.state() | change

        with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
            watch_of(state)

    def test_of_the_version_before(self):
        """A file that knows nothing of repeats has seen none."""
        state = Line(1).watch.state()
        del state["repeats"]

        assert watch_of(state).repeats == 0


class TestManyLines:
    def test_side_by_side_as_each_alone(self):
        """What is simulated for many lines at once is what the gate does for one: the same ranks give the same stakes."""
        random, lines, count = np.random.default_rng(3), 5, 12
        breakers = {name: random.random((count, lines)) for name in PROPERTIES}

        def begun(chosen):
            cells = np.ones((count + 1, lines), np.int64)[:, chosen]
            return Martingale({name: History(cells.copy(), breakers[name][:, chosen]) for name in PROPERTIES})

        together, alone = begun(slice(None)), [begun(number) for number in range(lines)]
        for _ in range(60):
            above = random.integers(0, 9, lines)
            places = {name: (above, above + random.integers(0, 4, lines)) for name in PROPERTIES}
            draws = {name: random.random((2, lines)) for name in PROPERTIES}
            together.see(places, draws)
            for number, one in enumerate(alone):
                one.see(
                    {name: tuple(int(end[number]) for end in ends) for name, ends in places.items()},
                    {name: draw[:, number] for name, draw in draws.items()},
                )

        for name in BETS:
            assert together.stakes[name].value == pytest.approx([one.stakes[name].value for one in alone])
        for name in PROPERTIES:
            assert together.histories[name].cells.T.tolist() == [one.histories[name].cells.tolist() for one in alone]


class TestRepeats:
    """A picture whose bytes were just seen is no new one. `picture` bets on it all the same, as the gate does not."""

    def fed(self, watch_repeats):
        """Alarms of a line that always sends its most suspicious part of twenty again, fifty times."""
        line = Line(4, defects=0.0)
        pictures = np.random.default_rng(8).normal(size=600)
        places = [{name: place_of(float(value), line.known[name]) for name in PROPERTIES} for value in pictures]
        alarms = []
        for number, place in enumerate(places):
            is_stopped = number % 200 == 199
            for _ in range(51 if is_stopped else 1):
                digest = number.to_bytes(4, "big")
                if not watch_repeats and line.watch.has_seen(digest):
                    continue
                alarms.append(line.watch.see(dict.fromkeys(PROPERTIES, (0, 0, 65)) if is_stopped else place))
        return line.watch, [alarm for alarm in alarms if alarm]

    def test_a_stopped_part_that_is_sent_again_fifty_times_is_one(self):
        watch, alarms = self.fed(watch_repeats=False)

        assert (alarms, watch.seen, watch.repeats) == ([], 600, 150)
        assert len(self.fed(watch_repeats=True)[1]) >= 3

    def test_every_picture_twice_is_every_picture_once(self):
        """The same evidence as without the second one of each."""
        twice, once = Line(6), Line(6)
        for number in range(300):
            for _ in range(2):
                if not twice.watch.has_seen(str(number).encode()):
                    twice.picture()
            once.picture()

        assert (twice.watch.repeats, once.watch.repeats) == (300, 0)
        assert twice.watch.evidence == once.watch.evidence

    def test_what_is_remembered_is_bounded(self, monkeypatch):
        """The pictures seen last; one that comes again is seen last once more."""
        monkeypatch.setattr("snag.drift.recent_pictures.MEMORY", 3)
        watch = Watch("a")

        assert [watch.has_seen(digest.encode()) for digest in "abcadab"] == [False, False, False, True, False, True, False]

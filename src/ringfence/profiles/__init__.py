"""What we remember of each entity (card, customer, merchant, address, device), and of pairs.

On the way of a transaction this comes after `events` and before `models`. It knows the event log
and declared aggregates; it does not know what a model makes of their values.

- `propose(event_type)` gives a `ProfilePlan` of about 40 aggregates; `plan.check(event_type)`
  checks one that was written by hand. `plan.names` names the values, in order.
- Training: `replay(plan, History(...))` gives the values of past events, shape
  `(n_events, n_aggregates)`, as serving would have seen them at that moment.
- Serving: `ProfileStore(plan).advance(connection, events, received_at)` gives the values of events
  and adds these to their profiles, in the deciding transaction. `store.label(connection, changes)`
  tells of labels; whoever calls `label_event` calls it in the same transaction.
- `rebuild(database, plan)` makes the states from the event log; `built_at(connection, plan)` says
  whether that was ever done.

What a value means, alike in training and in serving:

- It is what was known before the event: the event itself is not counted. Its own number or text
  only takes part where it is compared with the habit (deviation, ratio, share).
- A horizon is covered by time buckets, the newest of which is the one of the event: it reaches
  back by the horizon, or up to one bucket less. Buckets are aligned to absolute time; a late event
  is counted in its own bucket and sees what is remembered up to there.
- A risk, like the times of fraud, sees only buckets that were over `delay_seconds` before the
  event, and of these the frauds that were known by then. Events without a label count as no fraud.
- A missing key gives NaN, and so does a value that has no meaning yet, such as the mean of nothing.

A state is bounded whatever the number of events, and so is the cost of an event. The arithmetic
(`arithmetic`, `memory`, `formulas`) imports nothing but the standard library.
"""

from ringfence.profiles.aggregates import Aggregate, Kind, Part, Source
from ringfence.profiles.plans import ProfilePlan
from ringfence.profiles.proposal import propose
from ringfence.profiles.rebuilding import rebuild
from ringfence.profiles.replaying import History, replay
from ringfence.profiles.states import built_at
from ringfence.profiles.store import LabelChange, ProfileStore

__all__ = [
    "Aggregate",
    "History",
    "Kind",
    "LabelChange",
    "Part",
    "ProfilePlan",
    "ProfileStore",
    "Source",
    "built_at",
    "propose",
    "rebuild",
    "replay",
]

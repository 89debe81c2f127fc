"""What tells one set of questions from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from errata.records import Question


def digest_questions(questions: Sequence[Question]) -> str:
    """One text for everything that is asked."""
    asked = [[q.id, q.images, [asdict(turn) for turn in q.prompt], q.followups] for q in questions]
    return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()

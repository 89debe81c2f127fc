"""A model and a file of questions -> a file of answers.

In: the name of a model or an endpoint, questions, settings. Out: answers that grow in a file, one of several samples
where the best is to be chosen. A model that is loaded here brings torch, an endpoint does not.
"""

from errata.pipelines.answering.answer import Ask, BestOf, answer_file, build_answerer

__all__ = ["Ask", "BestOf", "answer_file", "build_answerer"]

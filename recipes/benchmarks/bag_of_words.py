"""A baseline for text models: logistic regression on weighted counts of words and word pairs.

    python recipes/benchmarks/bag_of_words.py
    python recipes/benchmarks/bag_of_words.py --dataset csv:mine.csv

TF-IDF and logistic regression of scikit-learn. The validation part selects the penalty; then the
test part is used once.

Gives: docs/benchmarks/accuracy.md.
"""

import argparse
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from cctzoo import data
from cctzoo.models.vocabulary import split


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="docstrings", help="name for data.load")
    try:
        dataset = data.load(parser.parse_args().dataset)
        if dataset.kind != "texts":
            raise ValueError(f"--dataset must hold texts. Received: {dataset.name!r}")
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"bag_of_words.py: {error}")
    most = np.bincount(dataset.y_train).argmax()
    print(f"always {dataset.classes[most]}: {(dataset.y_test == most).mean():.2%}")
    for name, words in {"words": (1, 1), "words and pairs": (1, 2)}.items():
        validation, test, penalty = score(dataset, words)
        print(f"{name}: validation {validation:.2%}, test {test:.2%} (C={penalty})")


def score(dataset, words):
    """(validation accuracy, test accuracy, inverse penalty) of the best of a few penalties."""
    weigh = TfidfVectorizer(analyzer="word", tokenizer=split, token_pattern=None, ngram_range=words)
    x = weigh.fit_transform(dataset.x_train)
    found = []
    for penalty in (1, 3, 10, 30, 100):
        model = LogisticRegression(C=penalty, max_iter=1000).fit(x, dataset.y_train)
        validation = model.score(weigh.transform(dataset.x_validation), dataset.y_validation)
        found.append((validation, penalty, model))
    validation, penalty, model = max(found, key=lambda row: row[0])
    return validation, model.score(weigh.transform(dataset.x_test), dataset.y_test), penalty


if __name__ == "__main__":
    main()

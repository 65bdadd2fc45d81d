"""The folder of a BERT without weights and dropout, whose tokenizer has few tokens, those of the texts that it is for.

With thirty thousand of them a small model spends most of its compute on the choice between them.

    python -m benchmarks.small_bert <parquet file> sentence <folder to write> --tokens 4000
"""

from __future__ import annotations

import argparse

from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertTokenizerFast

_UNKNOWN = "[UNK]"
_SPECIAL = ["[PAD]", _UNKNOWN, "[CLS]", "[SEP]", "[MASK]"]


def tokenizer_of(texts: list[str], size: int) -> BertTokenizerFast:
    """WordPiece in lower case with at most `size` tokens, those that make the fewest pieces of `texts`."""
    made = Tokenizer(models.WordPiece(unk_token=_UNKNOWN))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, special_tokens=_SPECIAL))
    found = sorted(made.get_vocab().keys() - set(_SPECIAL))  # in an order that is not by chance
    numbers = {token: number for number, token in enumerate([*_SPECIAL, *found])}
    made.model = models.WordPiece(numbers, unk_token=_UNKNOWN)
    ends = [(token, made.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    made.post_processor = processors.BertProcessing(*ends)
    return BertTokenizerFast(tokenizer_object=made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("column")
    parser.add_argument("target")
    parser.add_argument("--tokens", type=int, default=4000)
    options = parser.parse_args()
    tokenizer = tokenizer_of(Dataset.from_parquet(options.file)[options.column][:], options.tokens)
    tokenizer.save_pretrained(options.target)
    without = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **without)
    config.save_pretrained(options.target)
    print(f"{len(tokenizer)} tokens")


if __name__ == "__main__":
    main()

"""The tiny model as a GGUF file, which llama.cpp reads."""

import json
from pathlib import Path


def write_gguf(folder: Path, file: Path) -> Path:
    """Write the model of a folder (support/tiny_model.py) as a GGUF file, and return it."""
    import gguf
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    writer = gguf.GGUFWriter(file, "llama")
    _add_config(writer, model.config)
    _add_tokenizer(writer, folder)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, model.config.num_hidden_layers)
    heads = {"q_proj": model.config.num_attention_heads, "k_proj": model.config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        for projection, count in heads.items():
            if projection in name:  # llama.cpp rotates neighbouring parts of a head, transformers its two halves
                parts = tensor.reshape(count, 2, tensor.shape[0] // count // 2, tensor.shape[1])
                tensor = parts.swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(names.get_name(name, (".weight",)), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_config(writer, config) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)


def _add_tokenizer(writer, folder: Path) -> None:
    import gguf

    written = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    words = sorted(written["model"]["vocab"], key=written["model"]["vocab"].__getitem__)
    special = {token["id"] for token in written["added_tokens"] if token["special"]}
    kinds = [gguf.TokenType.CONTROL if each in special else gguf.TokenType.NORMAL for each in range(len(words))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(words)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in written["model"]["merges"]])
    writer.add_eos_token_id(words.index("<|end|>"))
    writer.add_pad_token_id(words.index("<|pad|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template((folder / "chat_template.jinja").read_text(encoding="utf-8"))

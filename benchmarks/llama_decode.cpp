// Greedy decoding by llama.cpp, timed as `lora4j bench serve` answers, so that side-by-side lets the two take turns:
//
//   g++ -std=c++17 -O2 -o llama_decode benchmarks/llama_decode.cpp -I LLAMA/include -I LLAMA/ggml/include
//       -L LLAMA/build/bin -lllama -lggml -lggml-base -Wl,-rpath,LLAMA/build/bin
//   benchmarks/side-by-side --rows decod --against 'llama.cpp=./llama_decode model.gguf'
//
// A line in: COUNT decode SHAPE LENGTH TYPE, perhaps behind "cpu " for processor time; shape and type are the file's, whatever
// the line says. A line out: the seconds of a run, the tokens of one, their unit. The prompt is the tokens 1 to 16.
//
//   echo 'ids 48 5,100,200' | ./llama_decode model.gguf [--adapter adapter.gguf]
//
// writes the ids behind such a prompt instead, with keys and values in float32.
#include "llama.h"

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

static llama_context * context_of(llama_model * model, int threads, ggml_type past) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 512;
    params.n_threads = params.n_threads_batch = threads;
    params.type_k = params.type_v = past;
    if (past == GGML_TYPE_F32) {
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    }
    return llama_init_from_model(model, params);
}

static std::vector<llama_token> greedy(llama_context * context, int vocabulary, std::vector<llama_token> prompt, int length) {
    llama_memory_clear(llama_get_memory(context), true);
    std::vector<llama_token> written;
    llama_batch batch = llama_batch_get_one(prompt.data(), prompt.size());
    llama_token next = 0;
    for (int i = 0; i < length && llama_decode(context, batch) == 0; i++) {
        const float * logits = llama_get_logits_ith(context, -1);
        next = 0;
        for (int t = 1; t < vocabulary; t++) {
            if (logits[t] > logits[next]) {
                next = t;
            }
        }
        written.push_back(next);
        batch = llama_batch_get_one(&next, 1);
    }
    return written;
}

static double seconds(bool cpu) {
    timespec now;
    clock_gettime(cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

int main(int count, char ** words) {
    int threads = 1;
    std::string adapter;
    for (int i = 2; i + 1 < count; i += 2) {
        std::string option = words[i];
        threads = option == "--threads" ? std::atoi(words[i + 1]) : threads;
        adapter = option == "--adapter" ? words[i + 1] : adapter;
    }
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    llama_model * model = count > 1 ? llama_model_load_from_file(words[1], llama_model_default_params()) : nullptr;
    if (!model) {
        std::cout << "error no such model" << std::endl;
        return 1;
    }
    int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    llama_context * timed = context_of(model, threads, GGML_TYPE_F16);
    llama_context * exact = context_of(model, threads, GGML_TYPE_F32);
    if (!adapter.empty()) {
        llama_adapter_lora * lora = llama_adapter_lora_init(model, adapter.c_str());
        float one = 1;
        if (!lora || llama_set_adapters_lora(exact, &lora, 1, &one) || llama_set_adapters_lora(timed, &lora, 1, &one)) {
            std::cout << "error no such adapter" << std::endl;
            return 1;
        }
    }
    for (std::string line; std::getline(std::cin, line);) {
        bool cpu = line.rfind("cpu ", 0) == 0;
        std::istringstream in(cpu ? line.substr(4) : line);
        std::string first, what;
        in >> first >> what;
        if (first == "ids") {
            std::vector<llama_token> prompt;
            std::string ids;
            in >> ids;
            std::istringstream parts(ids);
            for (std::string id; std::getline(parts, id, ',');) {
                prompt.push_back(std::atoi(id.c_str()));
            }
            for (llama_token id : greedy(exact, vocabulary, prompt, std::atoi(what.c_str()))) {
                std::cout << id << ' ';
            }
            std::cout << std::endl;
            continue;
        }
        std::string shape;
        int length = 0;
        in >> shape >> length;
        int runs = std::atoi(first.c_str());
        if (what != "decode" || runs < 1 || length < 1) {
            std::cout << "error '" << line << "': expected COUNT decode SHAPE LENGTH TYPE" << std::endl;
            continue;
        }
        std::vector<llama_token> prompt;
        for (int id = 1; id <= 16; id++) {
            prompt.push_back(id);
        }
        double begin = seconds(cpu);
        for (int run = 0; run < runs; run++) {
            greedy(timed, vocabulary, prompt, length);
        }
        std::cout << (seconds(cpu) - begin) / runs << ' ' << length << " tokens" << std::endl;
    }
}

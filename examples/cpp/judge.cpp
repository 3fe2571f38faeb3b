// Judges one PNG with a trained model, without Python: ./judge RUN/snag.pt part.png prints the anomaly score.
// The score is the server's for the same file, and that of snag.load, to rounding; above the threshold in RUN/calibration.json the
// part is an anomaly. It reads PNGs of 8 bits, grey or RGB, without transparency, as most cameras write them.
#include <ATen/Parallel.h>
#include <torch/csrc/jit/serialization/import.h>

#include <csetjmp>
#include <cstdio>
#include <stdexcept>

#include <png.h>

at::Tensor decode(const char* path) {  // -> uint8 [C, H, W], C = 1 or 3; never brightened: gamma and profile are left unread
    FILE* file = std::fopen(path, "rb");
    if (!file) throw std::runtime_error(std::string(path) + ": can't be opened");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) throw std::runtime_error(std::string(path) + ": not a PNG, or damaged");
    png_init_io(png, file);
    png_read_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
    const int colour = png_get_color_type(png, info);
    if (png_get_bit_depth(png, info) != 8 || (colour != PNG_COLOR_TYPE_GRAY && colour != PNG_COLOR_TYPE_RGB) ||
        png_get_valid(png, info, PNG_INFO_tRNS))
        throw std::runtime_error(std::string(path) + ": expected a PNG of 8 bits, grey or RGB, without transparency");
    const int64_t height = png_get_image_height(png, info), width = png_get_image_width(png, info);
    at::Tensor pixels = at::empty({height, width, png_get_channels(png, info)}, at::kByte);
    for (int64_t row = 0; row < height; ++row)
        std::copy_n(png_get_rows(png, info)[row], pixels[row].numel(), pixels[row].data_ptr<uint8_t>());
    png_destroy_read_struct(&png, &info, nullptr);
    std::fclose(file);
    return pixels.permute({2, 0, 1}).contiguous();
}

int main(int count, char** words) try {
    if (count != 3) throw std::runtime_error("usage: judge RUN/snag.pt part.png");
    at::set_num_threads(1);  // as the server's workers: a score's last digits depend on it
    c10::InferenceMode guard;
    torch::jit::Module model = torch::jit::load(words[1], at::kCPU);
    model.eval();
    const auto found = model.get_method("score")({c10::List<at::Tensor>({decode(words[2])})}).toList().get(0).toTuple();
    const std::string reason = found->elements()[8].toStringRef();  // the fields of ScoredPicture, snag/detector/detector.py
    if (!reason.empty()) throw std::runtime_error(std::string(words[2]) + ": can't be judged (" + reason + ")");
    std::printf("%.9g\n", found->elements()[0].toTensor().item<float>());
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}

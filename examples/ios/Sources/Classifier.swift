import CoreGraphics
import Foundation
import ImageIO
import TensorFlowLite

/// A `.tflite` file of cctzoo with a batch of one image. An actor: an interpreter has one set of tensors.
actor Classifier {
    private let metadata: Metadata
    private let view: Metadata.View
    private let interpreter: Interpreter

    init(path: String) throws {
        metadata = try Metadata.read(path: path)
        guard let view = metadata.input.view else {
            throw SampleError("it has no view: it was not trained on image files")
        }
        guard ["logits", "probabilities"].contains(metadata.output) else {
            throw SampleError("it has no classes")
        }
        self.view = view
        var options = Interpreter.Options()
        options.threadCount = 2
        interpreter = try Interpreter(modelPath: path, options: options)
        try interpreter.allocateTensors()
    }

    /// The photo, and the classes with their probabilities, the most probable first.
    func classify(_ photo: Data) throws -> (image: CGImage, answers: [(name: String, share: Float)]) {
        let image = try decode(photo)
        let shape = metadata.input.shape
        let pixels = try self.pixels(of: image, channels: shape[2]).view(
            width: shape[1], height: shape[0], share: view.cropPct,
            bicubic: view.interpolation == "bicubic")
        let input = pixels.values.enumerated().map { i, value in
            normalised(Float(value), channel: i % shape[2])
        }
        try interpreter.copy(input.withUnsafeBytes { Data($0) }, toInputAt: 0)
        try interpreter.invoke()
        let output = try interpreter.output(at: 0).data.withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
        let shares = probabilities(output)
        var names = metadata.classNames ?? shares.indices.map { "class \($0)" }
        var all = shares
        if let negative = metadata.negativeClassName {
            names.insert(negative, at: 0)
            all.insert(1 - shares[0], at: 0)
        }
        let answers = zip(names, all).map { (name: $0, share: $1) }.sorted { $0.share > $1.share }
        return (image, answers)
    }

    private func normalised(_ value: Float, channel: Int) -> Float {
        guard !metadata.input.normalisedInTheModel, let mean = metadata.input.mean,
            let std = metadata.input.std
        else { return value }
        return (value / 255 - mean[channel]) / std[channel]
    }

    private func probabilities(_ output: [Float]) -> [Float] {
        if metadata.output == "probabilities" { return output }
        if metadata.decision == "threshold" { return output.map { 1 / (1 + exp(-$0)) } }
        let largest = output.max() ?? 0
        let powers = output.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// The photo, upright if the model was trained on upright images.
    ///
    /// ImageIO shrinks a large photo to not less than four times the model's size, so that it fits
    /// into memory; the model's view does the rest.
    private func decode(_ photo: Data) throws -> CGImage {
        guard let source = CGImageSourceCreateWithData(photo as CFData, nil),
            let about = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
            let width = about[kCGImagePropertyPixelWidth] as? Int,
            let height = about[kCGImagePropertyPixelHeight] as? Int
        else { throw SampleError("it is not an image") }
        let least = 4 * max(metadata.input.shape[0], metadata.input.shape[1])
        let longer = least * max(width, height) / min(width, height)
        let options: [CFString: Any] = [
            kCGImageSourceCreateThumbnailFromImageAlways: true,
            kCGImageSourceCreateThumbnailWithTransform: view.orient,
            kCGImageSourceThumbnailMaxPixelSize: min(longer, max(width, height)),
        ]
        guard let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
        else { throw SampleError("it is not an image") }
        return image
    }

    private func pixels(of image: CGImage, channels: Int) throws -> Pixels {
        var bytes = [UInt8](repeating: 0, count: 4 * image.width * image.height)
        let drawn = bytes.withUnsafeMutableBytes { buffer -> Bool in
            guard let space = CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: buffer.baseAddress, width: image.width, height: image.height,
                    bitsPerComponent: 8, bytesPerRow: 4 * image.width, space: space,
                    bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { return false }
            context.draw(image, in: CGRect(x: 0, y: 0, width: image.width, height: image.height))
            return true
        }
        guard drawn else { throw SampleError("it does not fit into memory") }
        return Pixels(rgbx: bytes, width: image.width, height: image.height, channels: channels)
    }
}

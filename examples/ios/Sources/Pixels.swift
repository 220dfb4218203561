import Foundation

/// An image as bytes of interleaved channels, resized and cropped as Pillow and cctzoo do.
struct Pixels {
    let width: Int
    let height: Int
    let channels: Int
    let values: [UInt8]

    /// From pixels of four bytes, of which the last one is not used.
    init(rgbx: [UInt8], width: Int, height: Int, channels: Int) {
        var values = [UInt8]()
        values.reserveCapacity(width * height * channels)
        for i in stride(from: 0, to: rgbx.count, by: 4) {
            if channels == 1 {
                let (red, green, blue) = (Int(rgbx[i]), Int(rgbx[i + 1]), Int(rgbx[i + 2]))
                values.append(UInt8((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16))
            } else {
                values.append(contentsOf: rgbx[i..<i + 3])
            }
        }
        self.init(width: width, height: height, channels: channels, values: values)
    }

    private init(width: Int, height: Int, channels: Int, values: [UInt8]) {
        self.width = width
        self.height = height
        self.channels = channels
        self.values = values
    }

    /// The centre of the image, whose shorter side is first resized so that `share` of it fits.
    func view(width: Int, height: Int, share: Double, bicubic: Bool) throws -> Pixels {
        let least = [Int(Double(width) / share), Int(Double(height) / share)]
        let sides = [self.width, self.height]
        let scale = zip(least, sides).map { Double($0) / Double($1) }.max()!
        let size = zip(least, sides).map { max(Int(Double($1) * scale + 1e-6), $0) }
        guard size[0] * size[1] <= 1 << 26 else {
            throw SampleError("it is too long and narrow")
        }
        let rows = alongRows(size[0], bicubic: bicubic)
        let resized = rows.turned().alongRows(size[1], bicubic: bicubic).turned()
        // Python rounds halves to the even number.
        let left = Int((Double(size[0] - width) / 2).rounded(.toNearestOrEven))
        let top = Int((Double(size[1] - height) / 2).rounded(.toNearestOrEven))
        return resized.crop(left: left, top: top, width: width, height: height)
    }

    /// Resizes each row: every new pixel is a weighted mean of all that it covers.
    private func alongRows(_ newWidth: Int, bicubic: Bool) -> Pixels {
        guard newWidth != width else { return self }
        let scale = Double(width) / Double(newWidth)
        let stretch = max(scale, 1)
        let reach = (bicubic ? 2 : 1) * stretch
        var result = [UInt8](repeating: 0, count: newWidth * height * channels)
        for x in 0..<newWidth {
            let centre = (Double(x) + 0.5) * scale
            let first = max(Int(centre - reach + 0.5), 0)
            let last = min(Int(centre + reach + 0.5), width)
            let weights = (first..<last).map {
                weight((Double($0) - centre + 0.5) / stretch, bicubic: bicubic)
            }
            let sum = weights.reduce(0, +)
            for y in 0..<height {
                for c in 0..<channels {
                    var value = 0.0
                    for (i, weight) in weights.enumerated() {
                        value += weight * Double(values[(y * width + first + i) * channels + c])
                    }
                    let rounded = min(max((value / sum + 0.5).rounded(.down), 0), 255)
                    result[(y * newWidth + x) * channels + c] = UInt8(rounded)
                }
            }
        }
        return Pixels(width: newWidth, height: height, channels: channels, values: result)
    }

    private func weight(_ distance: Double, bicubic: Bool) -> Double {
        let x = abs(distance)
        if !bicubic { return max(1 - x, 0) }
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }

    private func turned() -> Pixels {
        var result = values
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    result[(x * height + y) * channels + c] = values[(y * width + x) * channels + c]
                }
            }
        }
        return Pixels(width: height, height: width, channels: channels, values: result)
    }

    private func crop(left: Int, top: Int, width: Int, height: Int) -> Pixels {
        var result = [UInt8]()
        for y in top..<top + height {
            let start = (y * self.width + left) * channels
            result.append(contentsOf: values[start..<start + width * channels])
        }
        return Pixels(width: width, height: height, channels: channels, values: result)
    }
}

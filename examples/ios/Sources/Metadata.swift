import Foundation

/// What cctzoo wrote into a `.tflite` file: how an image becomes the input, and what outputs mean.
struct Metadata: Decodable {
    let input: Input
    let output: String
    let decision: String?
    let classNames: [String]?
    let negativeClassName: String?

    struct Input: Decodable {
        let shape: [Int]  // height, width, channels
        let view: View?
        let normalisedInTheModel: Bool
        let mean: PerChannel?  // null: in the model
        let std: PerChannel?
    }

    struct View: Decodable {
        let orient: Bool
        let cropPct: Double
        let interpolation: String
    }

    /// A number for all channels, or one for each.
    struct PerChannel: Decodable {
        let values: [Float]

        init(from decoder: Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Float.self) {
                values = [number]
            } else {
                values = try container.decode([Float].self)
            }
        }

        subscript(channel: Int) -> Float {
            values.count == 1 ? values[0] : values[channel]
        }
    }

    /// Reads `metadata.json` of the zip archive that follows the graph.
    static func read(path: String) throws -> Metadata {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Metadata.self, from: entry(bytes, name: "metadata.json"))
    }

    private static func entry(_ bytes: Data, name: String) throws -> Data {
        // The archive has no comment: its end record is the last 22 bytes.
        let end = bytes.count - 22
        guard end >= 0, number(bytes, end, size: 4) == 0x0605_4b50 else {
            throw SampleError("it has no metadata: not by cctzoo?")
        }
        var at = number(bytes, end + 16, size: 4)
        for _ in 0..<number(bytes, end + 10, size: 2) {
            let nameSize = number(bytes, at + 28, size: 2)
            if String(decoding: try slice(bytes, at + 46, nameSize), as: UTF8.self) == name {
                let header = number(bytes, at + 42, size: 4)
                let extra = number(bytes, header + 26, size: 2) + number(bytes, header + 28, size: 2)
                let packed = try slice(bytes, header + 30 + extra, number(bytes, at + 20, size: 4))
                let stored = number(bytes, at + 10, size: 2) == 0
                // Apple's "zlib" is the plain DEFLATE of zip archives.
                return stored ? packed : try (packed as NSData).decompressed(using: .zlib) as Data
            }
            at += 46 + nameSize + number(bytes, at + 30, size: 2) + number(bytes, at + 32, size: 2)
        }
        throw SampleError("it has no \(name): not by cctzoo?")
    }

    /// A little-endian number; 0 outside of the file.
    private static func number(_ bytes: Data, _ start: Int, size: Int) -> Int {
        guard start >= 0, start + size <= bytes.count else { return 0 }
        return (0..<size).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
    }

    private static func slice(_ bytes: Data, _ start: Int, _ size: Int) throws -> Data {
        guard start >= 0, size >= 0, start + size <= bytes.count else {
            throw SampleError("its metadata are damaged")
        }
        return bytes.subdata(in: start..<start + size)
    }
}
